"""``vanvault login --device`` at a node whose people are those of a real Keycloak."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.people.sign_on.test_keycloak import BACK, SECRET, Person, Realm, realm
from tests.support.server import Server
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.core.errors import AccessDenied
from vanvault.archiver.people.accounts import NewAccount, ProviderIdentity
from vanvault.cli.login import by_device, client_of
from vanvault.recovery.accounts import Desk, add_account, add_identity

__all__ = ["realm"]  # a fixture


def test_a_device_signs_on_whom_keycloak_knows_and_the_record_lets_in(realm: Realm, tmp_path: Path) -> None:
    issuer, home = f"{realm.server.url}/realms/{realm.name}", tmp_path / "home"
    init_home(home)
    with Archive.open(home) as archive:
        desk = Desk(archive, "anh")
        add_account(desk, NewAccount("lan", "person", "Lan", roles=("auditor-log", "operator")))
        add_identity(desk, "lan", ProviderIdentity(issuer, realm.id_of("lan")))
    (home / "provider.secret").write_text(SECRET)
    (home / "provider.secret").chmod(0o600)
    settings = {
        "SIGN_ON__PROVIDER__ISSUER": issuer,
        "SIGN_ON__PROVIDER__CLIENT_ID": "archive",
        "SIGN_ON__PROVIDER__CLIENT_SECRET_FILE": "provider.secret",
        "SIGN_ON__PROVIDER__REDIRECT_URI": BACK.replace("http:", "https:"),
        "SIGN_ON__PROVIDER__GROUPS": '{"auditors": ["auditor-log"]}',
    }

    def confirmed_by(name: str) -> Any:
        return lambda begun: Person(name).confirm(begun["verification_uri_complete"])

    def pause(_: float) -> None:
        """Keycloak is asked at once: the person has confirmed."""

    with Server(home, settings=settings) as server:
        server.wait_ready()
        with client_of(server.url, None) as client:
            told = by_device(client, confirmed_by("lan"), pause)
            assert (told["account"], told["method"]) == ("lan", "provider")
            assert told["roles"] == ["auditor-log"], "what the groups give, of what is on record"
            with pytest.raises(AccessDenied, match="refused"):
                by_device(client, confirmed_by("minh"), pause)
        with client_of(server.url, None, told["secret"]) as client:
            assert client.ask("GET", "/v1/session")["account"] == "lan"
            assert client.ask("DELETE", "/v1/session") == {}
        assert server.stop() == 0

"""Sign-on at a real Keycloak: code flow, re-check, a disabled person, logout from there, and a device."""

from __future__ import annotations

import html
import queue
import re
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx
import pytest

from tests.servers.keycloak import KeycloakServer
from vanvault.archiver.core.errors import AccessDenied
from vanvault.archiver.core.ports import Ports
from vanvault.archiver.people.sign_on import SessionEnd
from vanvault.archiver.people.sign_on.oidc import (
    HttpProvider,
    IdentityProvider,
    KeyPace,
    ProviderClient,
    ProviderTokens,
    TokenRules,
)

BACK = "http://127.0.0.1:1/v1/oidc/callback"  # nobody listens there: the browser's way back is read, not gone
SECRET, PASSWORD = "a secret of this test", "Mua-rao-1979"


@dataclass
class Person:
    """A browser with its cookies. Keycloak's are for https alone, so they are sent by hand."""

    name: str
    cookies: dict[str, str] = field(default_factory=dict)

    def sign_on(self, address: str) -> list[tuple[str, str]]:
        """Follow the address to the form, fill it in; the query of the way back."""
        answer = self._asked("GET", address)
        for _ in range(8):
            place = answer.headers.get("Location", "")
            if place.startswith(BACK):
                return parse_qsl(urlsplit(place).query, keep_blank_values=True)
            if place:
                answer = self._asked("GET", urljoin(str(answer.url), place))
                continue
            answer = self._asked("POST", *self._form(answer))
        raise AssertionError(f"{self.name} did not come back: {answer.text[:2000]}")

    def confirm(self, address: str) -> None:
        """Confirm a device: sign on, then say yes to each question."""
        answer = self._asked("GET", address)
        for _ in range(10):
            place = answer.headers.get("Location", "")
            if place:
                answer = self._asked("GET", urljoin(str(answer.url), place))
            elif "<form" in answer.text and "action=" in answer.text:
                answer = self._asked("POST", *self._form(answer))
            else:
                return
        raise AssertionError(f"{self.name} could not confirm: {answer.text[:2000]}")

    def _form(self, answer: httpx.Response) -> tuple[str, dict[str, str]]:
        action = re.search(r'<form[^>]*action="([^"]+)"', answer.text)
        assert action, answer.text[:2000]
        fields: dict[str, str] = {}
        for tag in re.findall(r"<input[^>]*>", answer.text):
            told = dict(re.findall(r'(\w+)="([^"]*)"', tag))
            if "name" in told and told["name"] != "cancel":
                fields[told["name"]] = html.unescape(told.get("value", ""))
        if "password" in fields:
            fields |= {"username": self.name, "password": PASSWORD}
        return urljoin(str(answer.url), html.unescape(action[1])), fields

    def _asked(self, method: str, url: str, fields: dict[str, str] | None = None) -> httpx.Response:
        header = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        answer = httpx.request(method, url, data=fields, headers=header, timeout=60)
        for line in answer.headers.get_list("Set-Cookie"):
            name, _, value = line.split(";")[0].partition("=")
            self.cookies[name] = value
        assert answer.status_code < 400, f"{url}: {answer.status_code} {answer.text[:2000]}"
        return answer


@dataclass(frozen=True)
class Realm:
    """A realm of its own for each test: the archive as a client, and the logout tokens that it is sent."""

    server: KeycloakServer
    name: str
    ours: IdentityProvider
    logout_tokens: queue.Queue[str]

    def admin(self, method: str, path: str, value: Any = None) -> Any:
        return self.server.admin().call(method, f"/{self.name}{path}", value)

    def id_of(self, person: str) -> str:
        return str(self.admin("GET", f"/users?username={person}&exact=true")[0]["id"])

    def signed_on(self, person: Person) -> ProviderTokens:
        address, pending = self.ours.begin()
        return self.ours.finish(pending, person.sign_on(address))


@pytest.fixture
def realm(keycloak_server: KeycloakServer) -> Iterator[Realm]:
    name, tokens = f"staff-{uuid.uuid4().hex[:8]}", queue.Queue[str]()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            tokens.put(dict(parse_qsl(body))["logout_token"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    receiver = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=receiver.serve_forever, args=(0.01,))
    thread.start()
    keycloak_server.admin().call(
        "POST", "", realm_named(name, f"http://127.0.0.1:{receiver.server_address[1]}/v1/oidc/logout")
    )
    client = ProviderClient(f"{keycloak_server.url}/realms/{name}", "archive", BACK, SECRET)
    http = HttpProvider()
    try:
        # A key that is not known is asked for at once: a test does not wait half a minute.
        ours = IdentityProvider(client, TokenRules(), http, Ports(), KeyPace(between_s=0))
        yield Realm(keycloak_server, name, ours, tokens)
    finally:
        http.close()
        receiver.shutdown()
        thread.join()
        receiver.server_close()


def realm_named(name: str, logout_address: str) -> dict[str, Any]:
    """All of a realm: the archive's client, two groups, two people."""
    groups = {
        "name": "groups",
        "protocol": "openid-connect",
        "protocolMapper": "oidc-group-membership-mapper",
        "config": {"claim.name": "groups", "full.path": "false", "id.token.claim": "true"},
    }
    attributes = {
        "pkce.code.challenge.method": "S256",
        "oauth2.device.authorization.grant.enabled": "true",
        "backchannel.logout.url": logout_address,
        "backchannel.logout.session.required": "true",
    }
    client = {
        "clientId": "archive",
        "secret": SECRET,
        "redirectUris": [BACK],
        "standardFlowEnabled": True,
        "directAccessGrantsEnabled": False,
        "attributes": attributes,
        "protocolMappers": [groups],
    }
    people = [
        {
            "username": person,
            "enabled": True,
            "email": f"{person}@example.vn",
            "emailVerified": True,
            "firstName": person,
            "lastName": "Nguyen",
            "groups": groups_of,
            "credentials": [{"type": "password", "value": PASSWORD, "temporary": False}],
        }
        for person, groups_of in (("lan", ["auditors"]), ("minh", []))
    ]
    return {
        "realm": name,
        "enabled": True,
        "groups": [{"name": "auditors"}],
        "clients": [client],
        "users": people,
    }


def test_a_person_signs_on_and_is_asked_for_again(realm: Realm) -> None:
    found = realm.signed_on(Person("lan"))
    assert found.proof.identity.subject == realm.id_of("lan")
    assert found.proof.groups == ("auditors",)
    assert found.proof.session and found.proof.authenticated is not None
    again = realm.ours.recheck(found.refresh, found.proof.identity)
    assert (again.proof.identity, again.proof.session) == (found.proof.identity, found.proof.session)


def test_two_people_are_two_identities_and_a_code_is_good_once(realm: Realm) -> None:
    lan, minh = Person("lan"), Person("minh")
    address, pending = realm.ours.begin()
    brought = lan.sign_on(address)
    first = realm.ours.finish(pending, brought)
    assert first.proof.identity != realm.signed_on(minh).proof.identity
    with pytest.raises(AccessDenied, match="invalid_grant"):
        realm.ours.finish(pending, brought)


def test_a_code_without_its_verifier_is_of_no_use(realm: Realm) -> None:
    address, _ = realm.ours.begin()
    _, other = realm.ours.begin()
    brought = dict(Person("lan").sign_on(address)) | {"state": other.state}
    with pytest.raises(AccessDenied, match="invalid_grant"):
        realm.ours.finish(other, list(brought.items()))


def test_a_disabled_person_is_out_at_the_next_question_though_no_token_comes(realm: Realm) -> None:
    found = realm.signed_on(Person("lan"))
    realm.admin("PUT", f"/users/{realm.id_of('lan')}", {"enabled": False})
    with pytest.raises(AccessDenied):
        realm.ours.recheck(found.refresh, found.proof.identity)
    assert realm.logout_tokens.empty()


def test_who_signs_off_there_is_signed_off_here(realm: Realm) -> None:
    found = realm.signed_on(Person("lan"))
    realm.admin("POST", f"/users/{realm.id_of('lan')}/logout")
    token = realm.logout_tokens.get(timeout=60)
    order = realm.ours.logout_of(token)
    end = SessionEnd.of_order(order, datetime.now(UTC))
    assert end.issuer == found.proof.identity.issuer
    assert end.provider_session == found.proof.session or end.subject == found.proof.identity.subject
    with pytest.raises(AccessDenied, match="before"):
        realm.ours.logout_of(token)


def test_a_key_that_was_changed_there_is_taken_up(realm: Realm) -> None:
    realm.signed_on(Person("lan"))
    provider = {
        "name": "next",
        "providerId": "rsa-generated",
        "providerType": "org.keycloak.keys.KeyProvider",
        "config": {"priority": ["500"], "keySize": ["2048"], "algorithm": ["PS256"], "active": ["true"]},
    }
    realm.admin("POST", "/components", provider)
    client = realm.admin("GET", "/clients?clientId=archive")[0]
    client["attributes"] |= {"id.token.signed.response.alg": "PS256"}
    realm.admin("PUT", f"/clients/{client['id']}", client)
    found = realm.signed_on(Person("lan"))
    assert found.proof.identity.subject == realm.id_of("lan")


def test_a_device_is_confirmed_in_a_browser(realm: Realm) -> None:
    waiting, grant = realm.ours.begin_device(), realm.ours.begin_device()
    assert realm.ours.poll_device(waiting) == "pending"
    Person("lan").confirm(grant.address_with_code)
    found = realm.ours.poll_device(grant)
    assert isinstance(found, ProviderTokens)
    assert found.proof.identity.subject == realm.id_of("lan")


def test_an_address_that_is_not_registered_gets_no_code(realm: Realm) -> None:
    address, _ = realm.ours.begin()
    bent = address.replace("callback", "callback%2F..%2Fevil")
    answer = httpx.get(bent, timeout=60)
    assert answer.status_code == 400 and "Location" not in answer.headers

"""Verbs that speak HTTP to a server behind TLS: whose certificate they trust, and what they say of others."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.faulty_server import Answer, Faulty, faulty_server
from tests.support.certificates import Authority, Issued
from tests.support.command import COMMAND, run_cli
from vanvault.archiver.core.errors import InvalidInput
from vanvault.cli.certificates import trusting
from vanvault.cli.client import ApiClient, Outgoing

HOME = Path("unused")
BODY = b"original"
RECEIPT = {
    "id": "x-0-0",
    "sha256": hashlib.sha256(BODY).hexdigest(),
    "signature": "s",
    "placements": [{"site": "primary", "retain_until": "2037-11-23T01:02:03Z"}],
}


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Issued:
    return Authority(tmp_path_factory.mktemp("authority")).issue("server")


@pytest.fixture
def server(issued: Issued) -> Iterator[Faulty]:
    with faulty_server([Answer(201, RECEIPT)], issued) as found:
        yield found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.xml"
    path.write_bytes(BODY)
    return path


def test_push_trusts_the_authority_that_it_is_given(server: Faulty, issued: Issued, file: Path) -> None:
    environment = {"VANVAULT_TOKEN": "t", "VANVAULT_URL": server.url}
    for arguments, more in (
        (("--ca-file", issued.authority), {}),
        ((), {"VANVAULT_CA_FILE": str(issued.authority)}),
    ):
        result = run_cli(HOME, "push", file, *arguments, env=environment | more)
        assert result.exit_code == 0, result.stderr
        assert result.stdout.startswith(f"{file}  x-0-0  locked until 2037-11-23 at primary")


def test_push_trusts_what_the_system_trusts(server: Faulty, issued: Issued, file: Path) -> None:
    """In a process of its own: OpenSSL reads its variables from the real environment."""
    environment = {"VANVAULT_TOKEN": "t", "VANVAULT_URL": server.url, "SSL_CERT_FILE": str(issued.authority)}
    done = subprocess.run(
        [*COMMAND, "push", str(file)], env=os.environ | environment, capture_output=True, timeout=280
    )
    assert done.returncode == 0, done.stderr


def test_a_certificate_that_nothing_trusts_is_told_at_once(
    server: Faulty, file: Path, tmp_path: Path
) -> None:
    """Also where the URL has no host but this one, for which no proxy of the environment counts."""
    other = Authority(tmp_path / "other").path
    environment = {"VANVAULT_TOKEN": "t", "VANVAULT_URL": server.url}
    for arguments in (("--ca-file", other), ()):
        result = run_cli(HOME, "push", file, "--wait", 3600, *arguments, env=environment)
        assert result.exit_code == 2
        assert "certificate is not trusted" in result.stderr
        assert "--ca-file" in result.stderr
    assert server.requests == []


def test_status_names_what_is_wrong_with_a_certificate(server: Faulty, issued: Issued) -> None:
    with ApiClient(server.url) as client:
        ready, reason = client.ready()
    assert not ready
    assert "certificate is not trusted" in reason and "--ca-file" in reason
    with ApiClient(server.url, ca_file=issued.authority) as client:
        client.push(Outgoing("m1", BODY))


def test_every_verb_that_takes_a_url_takes_an_authority() -> None:
    for verb in ("push", "sample", "status"):
        assert "--ca-file" in run_cli(HOME, verb, "--help").stdout


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_certificates_that_cannot_be_read_are_wrong_input(
    tmp_path: Path, file: Path, content: bytes | None
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    environment = {"VANVAULT_TOKEN": "t", "VANVAULT_URL": "https://127.0.0.1:1"}
    result = run_cli(HOME, "push", file, "--ca-file", path, env=environment)
    assert result.exit_code == 2
    assert "--ca-file" in result.stderr and str(path) in result.stderr
    with pytest.raises(InvalidInput, match="SSL_CERT_FILE"):
        trusting(None, {"SSL_CERT_FILE": str(path)})
    with pytest.raises(InvalidInput, match="SSL_CERT_DIR"):
        trusting(None, {"SSL_CERT_DIR": str(tmp_path / "absent")})

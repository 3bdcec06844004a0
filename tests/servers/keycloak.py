"""Keycloak: an identity provider, fetched once by Maven into a cache folder, started on a free port.

Its database is in memory, so each start is an empty one; a realm is made by one request.
"""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.servers.minio import cache
from tests.servers.processes import (
    Processes,
    ServerUnavailable,
    answers,
    free_ports,
    programs_missing,
    wait_until,
)

VERSION = "26.7.3"
ARTIFACT = f"org.keycloak:keycloak-quarkus-dist:{VERSION}:zip"
ADMIN, ADMIN_SECRET = "vanvault-root", "vanvault-root-secret"  # loopback and test data only
_BUILT = ".vanvault-built"
_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
#: A server that lives for some minutes: no second compiler, no large heap.
_JAVA = ("-Xms96m", "-Xmx448m", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError")
_OPENED = ("java.util", "java.util.concurrent", "java.security", "java.lang")


def _java() -> list[str]:
    """The command that its script runs; the script itself would leave Java behind when it is killed."""
    home = folder()
    return [
        "java",
        *_JAVA,
        *(f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in _OPENED),
        f"-Dkc.home.dir={home}",
        f"-Djboss.server.config.dir={home}/conf",
        "-Djava.util.logging.manager=org.jboss.logmanager.LogManager",
        "-Dpicocli.disable.closures=true",
        "-cp",
        f"{home}/lib/quarkus-run.jar",
        "io.quarkus.bootstrap.runner.QuarkusEntryPoint",
    ]


def folder() -> Path:
    """Where the pinned Keycloak lies once it is unpacked."""
    return cache() / f"keycloak-{VERSION}"


def install() -> str:
    """Fetch, unpack and build Keycloak when it is not in the cache; one line that says what was done.

    Raises ServerUnavailable where there is no Java, no Maven, or Maven reaches no repository. 177 MB.
    """
    target = folder()
    if (target / _BUILT).is_file():
        return f"Keycloak {VERSION}: already there, {target}"
    missing = programs_missing(["java", "mvn", "unzip"])
    if missing:
        raise ServerUnavailable(f"Keycloak needs {', '.join(missing)}")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as place:
        copy = ["mvn", "--batch-mode", "--quiet", f"{_PLUGIN}:copy", f"-Dartifact={ARTIFACT}"]
        _run([*copy, f"-DoutputDirectory={place}", "-Dmdep.stripVersion=true"], place)
        _run(["unzip", "-q", f"{place}/keycloak-quarkus-dist.zip", "-d", place], place)
        whole = Path(place) / f"keycloak-{VERSION}"
        # Built once, so that each start is a quick one.
        _run(
            [
                str(whole / "bin" / "kc.sh"),
                "build",
                "--db=dev-mem",
                "--cache=local",
                "--features=device-flow",
            ],
            place,
        )
        (whole / _BUILT).touch()
        if not target.exists():
            whole.replace(target)  # whole or not at all, also when two runs install at once
    return f"Keycloak {VERSION}: unpacked into {target}"


def _run(command: list[str], place: str) -> None:
    done = subprocess.run(
        ["nice", "-n", "10", *command], cwd=place, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        said = (done.stdout + done.stderr)[-1500:]
        raise ServerUnavailable(f"{' '.join(command[:3])} failed: {said}")


class KeycloakServer:
    """One Keycloak without any realm of ours."""

    def __init__(self, place: Path) -> None:
        """Start it and wait for it to be ready, half a minute. Raises ServerUnavailable."""
        if not (folder() / _BUILT).is_file():
            raise ServerUnavailable("Keycloak is not there: run `python -m tests.servers.install`")
        place.mkdir(parents=True)
        (port, management) = free_ports(2)
        self.url = f"http://127.0.0.1:{port}"
        self.processes = Processes(place / "server.log")
        command = [*_java(), "start", "--optimized", "--http-enabled=true"]
        command += ["--hostname-strict=false", "--http-host=127.0.0.1", f"--http-port={port}"]
        command += [f"--http-management-port={management}"]
        names = {"KC_BOOTSTRAP_ADMIN_USERNAME": ADMIN, "KC_BOOTSTRAP_ADMIN_PASSWORD": ADMIN_SECRET}
        self.processes.start(command, names)
        try:
            wait_until(
                lambda: answers(f"{self.url}/realms/master"), "Keycloak being ready", self.processes, 240
            )
        except ServerUnavailable:
            self.processes.stop()
            raise

    def stop(self) -> None:
        """End it; its database was in memory."""
        self.processes.stop()

    def admin(self) -> KeycloakAdmin:
        """Somebody who may do everything there."""
        fields = {"client_id": "admin-cli", "grant_type": "password", "username": ADMIN}
        answer = httpx.post(
            f"{self.url}/realms/master/protocol/openid-connect/token",
            data=fields | {"password": ADMIN_SECRET},
            timeout=30,
        )
        return KeycloakAdmin(self.url, answer.raise_for_status().json()["access_token"])


@dataclass(frozen=True, slots=True)
class KeycloakAdmin:
    """The administration of a Keycloak, for a minute: so long is its token good."""

    url: str
    token: str

    def call(self, method: str, path: str, value: Any = None) -> Any:
        """One request below ``/admin/realms``; the JSON of the answer, None where it has none."""
        answer = httpx.request(
            method,
            f"{self.url}/admin/realms{path}",
            json=value,
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=60,
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

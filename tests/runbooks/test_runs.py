"""The commands of each runbook, run in order against a real appliance in the situation that it describes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.runbooks.pages import NAMES, commands_in, text_of
from tests.support.command import vanvault
from tests.support.server import Server, push
from tests.support.waiting import wait_for
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.core.ports import Ports

_MAIN = "from vanvault.cli.main import main; main()"


@dataclass(frozen=True)
class Done:
    """One command that was run."""

    words: list[str]
    exit_code: int
    out: str
    err: str


@dataclass
class Appliance:
    """A home with a running node, what it acknowledged, and the folder in which the operator stands."""

    home: Path
    desk: Path
    server: Server
    token: str
    bodies: dict[str, bytes] = field(default_factory=dict)
    receipts: dict[str, dict[str, object]] = field(default_factory=dict)

    def run(self, words: list[str], typed: str = "") -> Done:
        """A command as it stands in the runbook, at the operator's desk; ``typed``: what it asks for."""
        assert words[0] == "vanvault"
        done = subprocess.run(
            [sys.executable, "-c", _MAIN, *words[1:]],
            capture_output=True,
            text=True,
            input=typed,
            timeout=280,
            check=False,
            cwd=self.desk,
            env={
                **os.environ,
                "VANVAULT_HOME": str(self.home),
                "VANVAULT_URL": self.server.url,
                "VANVAULT_SESSION_FILE": str(self.desk / "session"),
            },
        )
        return Done(words, done.returncode, done.stdout, done.stderr)

    def follow(self, name: str, *, ends: Mapping[str, int] | None = None) -> list[Done]:
        """Run all commands of a runbook; each ends with 0, or as ``ends`` says for its first run."""
        expected = dict(ends or {})
        done = []
        for words in commands_in(text_of(name)):
            done.append(self.run(words))
            code = expected.pop(" ".join(words), 0)
            assert done[-1].exit_code == code, (words, done[-1].exit_code, done[-1].out, done[-1].err)
        assert not expected
        return done

    def push(self, number: int) -> httpx.Response:
        body = f"<dossier>{number}</dossier>".encode() * 50
        with self.server.client(self.token) as client:
            answer = push(client, f"m-{number}", body)
        if answer.status_code in (200, 201):
            self.bodies[f"m-{number}"] = body
            self.receipts[f"m-{number}"] = answer.json()
        return answer

    def readiness(self) -> int:
        return httpx.get(f"{self.server.url}/v1/health/ready", timeout=10, trust_env=False).status_code

    def answers(self) -> bool:
        try:
            return self.readiness() > 0
        except httpx.TransportError:
            return False

    def wait_for_readiness(self, status: int) -> None:
        wait_for(lambda: self.readiness() == status, f"readiness answers {status}")

    def refuses(self, number: int, problem: str) -> None:
        """Gateways get 503 with this problem, and readiness answers 503."""
        answer = self.push(number)
        assert answer.status_code == 503, answer.text
        assert answer.json()["type"] == f"urn:vanvault:problem:{problem}", answer.text
        self.wait_for_readiness(503)

    def accepts_again(self, number: int) -> None:
        """The node that ran all the time takes messages, and gives back all that it ever acknowledged."""
        self.wait_for_readiness(200)
        assert self.push(number).status_code == 201
        with self.server.client(self.token) as client:
            for message_id, body in self.bodies.items():
                found = client.get(f"/v1/messages/{self.receipts[message_id]['id']}/original")
                assert found.content == body

    def status(self) -> dict[str, object]:
        found: dict[str, object] = vanvault(self.home, "status", "--url", self.server.url)
        return found


@pytest.fixture
def appliance(tmp_path: Path) -> Iterator[Appliance]:
    """Five acknowledged messages at two file sites, and a node that goes on running."""
    home, desk = tmp_path / "home", tmp_path / "desk"
    token = init_home(home)
    desk.mkdir(mode=0o700)
    with Server(home) as server:
        server.wait_ready()
        ready = Appliance(home, desk, server, token)
        for number in range(5):
            assert ready.push(number).status_code == 201
        yield ready


def objects(site: Path) -> list[Path]:
    """The files that hold messages at a file site."""
    found = sorted(path for path in site.rglob("*") if path.is_file() and ".messages.parquet" in str(path))
    assert found
    return found


def primary_lost(appliance: Appliance) -> None:
    shutil.rmtree(appliance.home / "sites" / "primary")
    appliance.refuses(10, "site-unavailable")
    assert appliance.run(["vanvault", "status"]).exit_code == 10

    done = appliance.follow("primary-lost")
    assert done[-1].words == ["vanvault", "verify"]
    sites = appliance.status()["sites"]
    assert isinstance(sites, list)
    assert [site["reachable"] for site in sites] == [True, True]
    appliance.accepts_again(11)


def objects_damaged(appliance: Appliance) -> None:
    primary, standby = (objects(appliance.home / "sites" / site) for site in ("primary", "standby"))
    damaged = primary[0].read_bytes()
    primary[0].chmod(0o600)
    primary[0].write_bytes(damaged[:-1] + bytes([damaged[-1] ^ 1]))
    standby[-1].unlink()

    done = appliance.follow("objects-damaged", ends={"vanvault verify --json": 3})
    report = json.loads(done[0].out.splitlines()[-1])
    assert {finding["site"] for finding in report["findings"]} == {"primary", "standby"}
    assert "would repair 2; 0 beyond repair" in done[1].out
    appliance.accepts_again(11)


def site_unavailable(appliance: Appliance) -> None:
    place = appliance.home / "sites" / "standby"
    away = place.rename(place.with_name("unmounted"))
    appliance.refuses(10, "site-unavailable")

    done = appliance.follow("site-unavailable", ends={"vanvault status": 10})
    (line,) = [line for line in done[0].out.splitlines() if line.startswith("standby")]
    assert "AWAY" in line

    away.rename(place)
    appliance.accepts_again(11)
    assert vanvault(appliance.home, "verify")["whole"]


def keys_lost(appliance: Appliance) -> None:
    shares = appliance.desk.parent / "safe"
    vanvault(
        appliance.home,
        "keys",
        "escrow",
        "split",
        "--threshold",
        "3",
        "--shares",
        "5",
        "--output",
        str(shares),
    )
    for path in shares.iterdir():
        if path.name == "escrow-bundle.vve" or path.name[len("share-")] in "134":
            shutil.copy(path, appliance.desk)
    shutil.rmtree(appliance.home / "keys")
    answer = appliance.push(10)
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:vanvault:problem:key-unavailable")
    assert appliance.run(["vanvault", "status"]).exit_code == 6

    done = appliance.follow("keys-lost")
    restored = next(one for one in done if "restore" in one.words)
    assert "6 key files restored" in restored.out
    assert "all 10 combinations" in done[-1].out
    assert vanvault(appliance.home, "verify")["whole"]
    held = appliance.status()["keys"]
    assert held == {kind: [1, 2] for kind in ("originals", "log", "index", "credentials")}
    appliance.accepts_again(11)


def key_disclosed(appliance: Appliance) -> None:
    done = appliance.follow("key-disclosed")
    (counts,) = [json.loads(one.out) for one in done if one.words[-1] == "--json"]
    assert counts["originals"] == len(appliance.bodies)
    listed = (appliance.desk / "exposed.ndjson").read_text().splitlines()
    assert {json.loads(line)["id"] for line in listed} == {one["id"] for one in appliance.receipts.values()}
    appliance.accepts_again(11)
    again = appliance.run(["vanvault", "keys", "exposed", "--key", "originals/2", "--json"])
    assert json.loads(again.out)["originals"] == 1


def signing_key_stolen(appliance: Appliance) -> None:
    """The node goes on under the new key between the steps, as it does after a restart."""
    number = 20
    ends = {"revoke": [2, 0], "accept": [0]}
    for words in commands_in(text_of("signing-key-stolen")):
        if "revoke" in words:
            number += 1
            assert appliance.push(number).status_code == 201
        done = appliance.run(words)
        verb = words[2] if words[1] == "keys" else words[1]
        code = ends[verb].pop(0) if verb in ends else 0
        if verb == "accept" and done.exit_code == 4:
            continue  # all stands already
        assert done.exit_code == code, (words, done.exit_code, done.out, done.err)
    listed = appliance.run(["vanvault", "keys", "list"])
    assert "REVOKED" in listed.out
    assert vanvault(appliance.home, "verify")["whole"]
    appliance.accepts_again(31)


def both_sites_lost(appliance: Appliance) -> None:
    home, desk = appliance.home, appliance.desk
    (desk / "backup-password").write_text("correct-horse\n")
    with (home / "vanvault.toml").open("a") as settings:
        settings.write(
            f'\n[backup]\nrepository = "{desk}/third-copy"\npassword_file = "{desk}/backup-password"\n'
            'escrow_bundle = "safe/escrow-bundle.vve"\n'
        )
    split = ("--threshold", "3", "--shares", "5", "--output", str(home / "safe"))
    vanvault(home, "keys", "escrow", "split", *split)
    given = [word for n in range(1, 6) for word in ("--share", str(home / "safe" / f"share-{n}-of-5.txt"))]
    vanvault(home, "keys", "escrow", "verify", "--bundle", str(home / "safe" / "escrow-bundle.vve"), *given)
    for number in (1, 3, 4):
        shutil.copy(home / "safe" / f"share-{number}-of-5.txt", desk)
    vanvault(home, "backup", "init")
    assert vanvault(home, "backup", "run")["whole"]
    appliance.server.kill()
    shutil.rmtree(home)

    rescued = replace(appliance, home=desk / "new-home")
    done = rescued.follow("both-sites-lost")
    assert "escrow-bundle.vve" in done[0].out
    assert "NOT" not in done[-1].out
    with Server(rescued.home) as server:
        server.wait_ready()
        replace(rescued, server=server).accepts_again(11)


def home_lost(appliance: Appliance) -> None:
    """Both files come back from the third copy; then, once more lost, they are made again without one."""
    home, desk = appliance.home, appliance.desk
    lost = (home / "vanvault.toml", home / "gateways.json")
    with_third_copy(appliance)
    vanvault(home, "gateway", "policy", "gateway-1", "settings")  # puts the first gateway on record, too
    assert vanvault(home, "backup", "run")["whole"]
    appliance.server.kill()
    for path in lost:
        path.unlink()
    told = appliance.run(["vanvault", "status"])
    assert (told.exit_code, "home-lost" in told.err) == (6, True)
    assert appliance.run(["vanvault", "init"]).exit_code == 6
    restore, *there, status, names, again, verify = commands_in(text_of("home-lost"))

    def runs(words: list[str]) -> Done:
        done = appliance.run(words)
        assert done.exit_code == 0, (words, done.out, done.err)
        return done

    runs(restore)
    for path in lost:
        shutil.copy(desk / "found" / path.name, path)
    assert [runs(words).words[1] for words in there] == ["status", "gateway"]
    with Server(home) as server:
        server.wait_ready()
        replace(appliance, server=server).accepts_again(11)

    for path in lost:
        path.unlink()
    archive = json.loads((home / "sites" / "primary" / "site.json").read_text())["archive"]
    sites = "".join(f'[sites.{site}]\nurl = "file:sites/{site}"\n' for site in ("primary", "standby"))
    lost[0].write_text(f'archive = "{archive}"\n{sites}')
    runs(status)
    assert "gateway.added" in runs(names).out
    token = runs(again).out.split("Token:")[1].split()[0]
    runs(verify)
    with Server(home) as server:
        server.wait_ready()
        replace(appliance, server=server, token=token).accepts_again(12)


class Ahead:
    """A host whose clock is seven hours ahead."""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(hours=7)


def clock_wrong(appliance: Appliance) -> None:
    appliance.server.kill()
    with Archive.open(appliance.home, ports=Ports.under(Ahead())) as archive:
        archive.record("test.wrong", {})
    with Server(appliance.home) as server:
        started = replace(appliance, server=server)
        wait_for(lambda: started.answers(), "the node answers")
        started.refuses(10, "site-unavailable")
        done = started.follow("clock-wrong", ends={"vanvault clock show": 3})
        assert "not accepted" in done[0].out
        assert "the host started before its time source" in done[2].out
        started.accepts_again(11)


def with_third_copy(appliance: Appliance) -> None:
    """Name a repository in the settings, and make it."""
    home, desk = appliance.home, appliance.desk
    (desk / "backup-password").write_text("correct-horse\n")
    with (home / "vanvault.toml").open("a") as settings:
        settings.write(
            f'\n[backup]\nrepository = "{desk}/third-copy"\npassword_file = "{desk}/backup-password"\n'
            f'escrow_bundle = "{desk}/new-shares/escrow-bundle.vve"\n'
        )
    vanvault(home, "backup", "init")


def conditions(appliance: Appliance, *, exit_code: int) -> set[str]:
    """What status tells, which ends with this code."""
    done = appliance.run(["vanvault", "status", "--json"])
    assert done.exit_code == exit_code, done.out
    # All lies on one disk here.
    return {one["id"] for one in json.loads(done.out)["conditions"]} - {"sites-together"}


def escrow_stale(appliance: Appliance) -> None:
    with_third_copy(appliance)
    old = str(appliance.desk.parent / "old")
    vanvault(appliance.home, "keys", "escrow", "split", "--threshold", "2", "--shares", "2", "--output", old)
    vanvault(appliance.home, "keys", "rotate", "originals")
    assert {"escrow-stale", "escrow-unverified"} <= conditions(appliance, exit_code=3)
    assert appliance.run(["vanvault", "backup", "run"]).exit_code == 3
    appliance.follow("escrow-stale", ends={"vanvault status": 3})
    assert conditions(appliance, exit_code=0) == set()
    appliance.accepts_again(11)


def backup_overdue(appliance: Appliance) -> None:
    with_third_copy(appliance)
    harmed = {}
    for site in ("primary", "standby"):
        damaged = objects(appliance.home / "sites" / site)[0]
        damaged.chmod(0o600)
        harmed[site] = damaged, damaged.read_bytes()
        damaged.write_bytes(damaged.read_bytes()[:-1])
    assert appliance.run(["vanvault", "backup", "run"]).exit_code == 3
    path, data = harmed["primary"]  # its disk gives the object again
    path.write_bytes(data)
    assert "backup-failed" in conditions(appliance, exit_code=3)
    appliance.follow("backup-overdue", ends={"vanvault status": 3})
    assert conditions(appliance, exit_code=0) == {"escrow-missing"}
    appliance.accepts_again(11)


def work_overdue(appliance: Appliance) -> None:
    damaged = objects(appliance.home / "sites" / "primary")[0]
    damaged.chmod(0o600)
    damaged.write_bytes(damaged.read_bytes()[:-1])
    assert appliance.run(["vanvault", "drill", "run", "standby-lost"]).exit_code == 3
    assert appliance.run(["vanvault", "repair"]).exit_code == 0
    assert "drill-failed" in conditions(appliance, exit_code=3)
    appliance.follow("work-overdue", ends={"vanvault status": 3})
    appliance.accepts_again(11)


def break_glass(appliance: Appliance) -> None:
    names = {"NAME": "lan", "REVIEWER": "minh"}
    for name in names.values():
        vanvault(appliance.home, "account", "add", name, "--full-name", name, "--role", "operator")
    secret = vanvault(appliance.home, "account", "breakglass", "seal", "lan")["secret"]
    for words in commands_in(text_of("break-glass")):
        if "review" in words:
            assert "break-glass" in conditions(appliance, exit_code=3)
            names["USE"] = vanvault(appliance.home, "account", "breakglass", "list")["uses"][0]["use"]
        said = [names.get(word, word) for word in words]
        if "login" in words:  # the node hears of the new envelope within seconds
            wait_for(
                lambda said=said: appliance.run(said, f"{secret}\n").exit_code == 0,  # type: ignore[misc]
                "the node takes the envelope",
            )
            continue
        done = appliance.run(said)
        assert done.exit_code == 0, (words, done.exit_code, done.out, done.err)
    assert not {"break-glass", "break-glass-overdue"} & conditions(appliance, exit_code=0)
    appliance.accepts_again(11)


RUNS = {
    "break-glass": break_glass,
    "backup-overdue": backup_overdue,
    "escrow-stale": escrow_stale,
    "work-overdue": work_overdue,
    "both-sites-lost": both_sites_lost,
    "clock-wrong": clock_wrong,
    "home-lost": home_lost,
    "key-disclosed": key_disclosed,
    "keys-lost": keys_lost,
    "objects-damaged": objects_damaged,
    "primary-lost": primary_lost,
    "signing-key-stolen": signing_key_stolen,
    "site-unavailable": site_unavailable,
}


def test_every_runbook_is_run() -> None:
    assert sorted(RUNS) == NAMES


@pytest.mark.parametrize("name", sorted(RUNS))
def test_the_runbook_works(appliance: Appliance, name: str) -> None:
    RUNS[name](appliance)

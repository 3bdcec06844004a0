"""``vanvault login`` and ``logout``: the secret of the session lies in one file, and is never shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import Result

from tests.cli.faulty_server import Answer, faulty_server
from tests.support.command import NOWHERE, json_of, run_cli
from tests.support.server import Server
from tests.support.waiting import wait_for
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import AccessDenied, InvalidInput
from vanvault.archiver.core.ports import SystemClock
from vanvault.archiver.people.accounts import NewAccount
from vanvault.archiver.people.sign_on import SESSION_PREFIX
from vanvault.archiver.people.sign_on.local import Passwords, totp_code, totp_step
from vanvault.cli.login import by_device, client_of
from vanvault.cli.signed_on import KeptSession, keep_session, session_file, session_secret
from vanvault.recovery.accounts import Desk, add_account
from vanvault.recovery.sign_on import CredentialRequest, set_credentials

PASSWORD = "Mưa rào 1979 ở Huế"
KEPT = KeptSession(f"{SESSION_PREFIX}{'A' * 43}", "lan", NOWHERE)


@dataclass
class Place:
    """A node whose accounts sign on with codes, each of which is used once."""

    home: Path
    server: Server
    seeds: dict[str, bytes]
    used: dict[str, int] = field(default_factory=dict)

    def code(self, name: str) -> str:
        now = totp_step(SystemClock().now())
        step = self.used[name] = max(now, self.used.get(name, 0) + 1)  # one step may pass meanwhile
        assert step <= now + 1, "the tests of one account take more codes than there are"
        return totp_code(self.seeds[name], step)

    def run(self, file: Path, *words: object, input: str = "") -> Result:
        env = {"VANVAULT_URL": self.server.url, "VANVAULT_SESSION_FILE": str(file)}
        return run_cli(self.home, *words, env=env, input=input.encode())

    def login(self, file: Path, name: str, *words: str) -> Result:
        typed = f"{PASSWORD}\n{self.code(name)}\n"
        return self.run(file, "login", name, "--password-file", "-", *words, input=typed)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    home, seeds = tmp_path_factory.mktemp("login") / "home", {}
    init_home(home)
    with Archive.open(home) as archive:
        for name in ("lan", "minh", "hoa", "tam", "duc"):
            add_account(Desk(archive, "anh"), NewAccount(name, "person", name, roles=("auditor-log",)))
            request = CredentialRequest(name, "anh", PASSWORD, new_codes=True)
            seeds[name] = set_credentials(archive, request, Passwords()).seed
    with Server(home) as server:
        yield Place(home, server.wait_ready(), seeds)
        assert server.stop() == 0


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "below" / "session"


def test_a_person_signs_on_is_shown_and_signs_off(place: Place, file: Path) -> None:
    done = place.login(file, "lan")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("lan is signed on until ")
    secret = json.loads(file.read_text())["secret"]
    assert secret.startswith(SESSION_PREFIX) and secret not in done.stdout + done.stderr
    assert file.stat().st_mode & 0o777 == 0o600 and file.parent.stat().st_mode & 0o777 == 0o700
    told = json_of(place.run(file, "login", "--show", "--json"))
    assert (told["account"], told["roles"], "secret" in told) == ("lan", ["auditor-log"], False)
    ended = [json_of(place.run(file, "logout", "--json")) for _ in range(2)]
    assert ended == [{"account": "lan", "already": False}, {"account": "", "already": True}]
    assert not file.exists()
    assert place.run(file, "login", "--show").exit_code == ExitCode.DENIED
    with place.server.client(secret) as client:
        assert client.get("/v1/session").status_code == 401, "the file alone is not the session"


def test_an_envelope_signs_on_and_is_an_error_until_it_is_reviewed(place: Place, file: Path) -> None:
    verb = ("account", "breakglass")
    drill = (*verb, "drill", "duc", "--json")
    assert json_of(place.run(file, *verb, "remove", "duc", "--json"))["already"] is True
    failed = place.run(file, *drill)
    assert failed.exit_code == ExitCode.CHECK_FAILED and "is sealed" in json.loads(failed.stdout)["why"]
    sealed = json_of(place.run(file, *verb, "seal", "duc", "--json"))
    assert json_of(place.run(file, *drill)) == {"account": "duc", "passed": True, "why": ""}
    login = ("login", "duc", "--break-glass", "--json")
    other = "3" if sealed["secret"].endswith("2") else "2"
    wrong = place.run(file, *login, input=f"{sealed['secret'][:-1]}{other}\n")
    assert wrong.exit_code == ExitCode.DENIED and sealed["secret"] not in wrong.stderr
    told = json_of(place.run(file, *login, input=f"{sealed['secret']}\n"))
    assert (told["account"], told["method"], told["roles"]) == ("duc", "break-glass", ["auditor-log"])
    (use,) = json_of(place.run(file, *verb, "list", "--json"))["uses"]
    assert (use["use"], use["account"], use["reviewed_by"]) == (sealed["credential"], "duc", "")
    status = place.run(file, "status", "--json")
    assert status.exit_code == ExitCode.CHECK_FAILED
    assert "break-glass" in {one["id"] for one in json.loads(status.stdout)["conditions"]}
    review = (*verb, "review", use["use"], "--by")
    assert place.run(file, *review, "duc").exit_code == ExitCode.DENIED
    assert place.run(file, *review, "minh").exit_code == ExitCode.DENIED, "duc is still signed on here"
    assert place.run(file, "logout").exit_code == 0
    assert place.run(file, *review, "minh").exit_code == 0
    assert place.run(file, *review, "hoa").exit_code == ExitCode.CONFLICT
    after = json.loads(place.run(file, "status", "--json").stdout)["conditions"]
    assert "break-glass" not in {one["id"] for one in after}


def test_password_and_code_are_asked_for(place: Place, file: Path) -> None:
    done = place.run(file, "login", "minh", "--json", input=f"{PASSWORD}\n{place.code('minh')}\n")
    assert json_of(done)["method"] == "password+code"
    assert PASSWORD not in done.stdout + done.stderr


def test_who_signs_on_anew_leaves_no_session_behind(place: Place, file: Path) -> None:
    assert place.login(file, "hoa").exit_code == 0
    before = json.loads(file.read_text())["secret"]
    assert place.login(file, "hoa").exit_code == 0
    with place.server.client(before) as client:
        assert client.get("/v1/session").status_code == 401
    assert json_of(place.run(file, "login", "--show", "--json"))["account"] == "hoa"


def test_a_refused_sign_on_keeps_who_is_signed_on(place: Place, file: Path) -> None:
    file.parent.mkdir()
    file.write_text("whoever was here before")
    refused = place.run(file, "login", "lan", "--password-file", "-", input="wrong\n123456\n")
    assert refused.exit_code == ExitCode.DENIED
    assert file.read_text() == "whoever was here before"


def test_a_session_is_listed_and_ended_by_a_verb_while_the_node_runs(place: Place, file: Path) -> None:
    assert place.login(file, "tam").exit_code == 0
    (told,) = json_of(place.run(file, "account", "session", "list", "tam", "--json"))["sessions"]
    assert (told["account"], told["method"], told["address"]) == ("tam", "password+code", "127.0.0.1")
    ended = json_of(place.run(file, "account", "session", "end", told["id"], "--json"))["ended"]
    assert [one["id"] for one in ended] == [told["id"]]
    wait_for(
        lambda: place.run(file, "login", "--show").exit_code == ExitCode.DENIED,
        "the node refuses the session",
    )
    assert place.run(file, "account", "session", "end", told["id"]).exit_code == ExitCode.NOT_FOUND


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("lan", "--show"),
        ("lan", "--device"),
        ("--break-glass",),
        ("lan", "--break-glass", "--show"),
        ("--show", "--password-file", "-"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert run_cli(tmp_path, "login", *words).exit_code == ExitCode.USAGE


def test_a_session_whose_node_is_away_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VANVAULT_SESSION_FILE", str(tmp_path / "session"))
    file = keep_session(KEPT)
    done = run_cli(tmp_path, "logout", env={"VANVAULT_SESSION_FILE": str(file)})
    assert done.exit_code == ExitCode.SITE and file.exists()


def test_a_session_that_is_over_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VANVAULT_SESSION_FILE", str(tmp_path / "session"))
    with faulty_server([Answer(401, {"detail": "no such session"})]) as server:
        file = keep_session(KeptSession(KEPT.secret, "lan", server.url))
        done = run_cli(tmp_path, "logout", env={"VANVAULT_SESSION_FILE": str(file)})
    assert done.exit_code == 0 and not file.exists()


def test_a_file_that_others_can_read_is_no_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VANVAULT_SESSION_FILE", str(tmp_path / "session"))
    assert session_secret() is None
    file = keep_session(KEPT)
    assert session_secret() == KEPT.secret
    file.chmod(0o640)
    with pytest.raises(InvalidInput, match="others can read"):
        session_secret()


@pytest.mark.parametrize("text", ["", "[]", '{"secret": "x"}', "vvs_abc"])
def test_a_file_of_something_else_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    file = tmp_path / "session"
    file.write_text(text)
    file.chmod(0o600)
    monkeypatch.setenv("VANVAULT_SESSION_FILE", str(file))
    with pytest.raises(InvalidInput, match="not what vanvault login wrote"):
        session_secret()


def test_the_usual_place_follows_the_base_directories() -> None:
    home = Path.home() / ".config" / "vanvault" / "session"
    assert session_file({}) == home
    assert session_file({"XDG_CONFIG_HOME": "relative"}) == home
    assert session_file({"XDG_CONFIG_HOME": "/x"}) == Path("/x/vanvault/session")
    assert session_file({"VANVAULT_SESSION_FILE": "here", "XDG_CONFIG_HOME": "/x"}) == Path("here")


def test_a_password_that_goes_out_unencrypted_is_a_warning(tmp_path: Path) -> None:
    words = ("login", "lan", "--password-file", "-", "--url")
    assert "unencrypted" in run_cli(tmp_path, *words, "http://archive.invalid:1", input=b"x\n").stderr
    assert "unencrypted" not in run_cli(tmp_path, *words, NOWHERE, input=b"x\n").stderr


def test_a_device_asks_at_the_pace_that_it_is_told_until_its_person_has_confirmed() -> None:
    begun = {"device": "d", "user_code": "WDJB", "verification_uri": "x", "interval_s": 5, "lifetime_s": 600}
    waits = [Answer(202, {"state": "pending"}), Answer(202, {"state": "slower"})]
    pauses: list[float] = []
    told: list[dict[str, object]] = []
    with (
        faulty_server([Answer(200, begun), *waits, Answer(201, {"secret": KEPT.secret})]) as server,
        client_of(server.url, None) as client,
    ):
        assert by_device(client, told.append, pauses.append) == {"secret": KEPT.secret}
    assert (pauses, told) == ([5.0, 5.0, 10.0], [begun])
    assert [path for path, *_ in server.requests[1:]] == ["/v1/session/device/poll"] * 3


def test_a_device_that_nobody_confirms_gives_up() -> None:
    begun = {"device": "d", "user_code": "WDJB", "verification_uri": "x", "interval_s": 5, "lifetime_s": 10}
    with (
        faulty_server([Answer(200, begun), Answer(202, {"state": "pending"})]) as server,
        client_of(server.url, None) as client,
        pytest.raises(AccessDenied, match="in time"),
    ):
        by_device(client, lambda _: None, lambda _: None)
    assert len(server.requests) == 3

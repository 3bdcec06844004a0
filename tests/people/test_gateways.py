"""Gateways of a home: names that are never given twice, tokens with terms, and a file that nobody spoils."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest

from tests.support.clocks import ManualClock
from tests.support.entropy import SeededEntropy
from vanvault.archiver.core.errors import AccessDenied, Conflict, InvalidInput, NotFound, SettingsError
from vanvault.archiver.people import GATEWAYS_FILE, Gateways, TokenTerms

NOW = ManualClock().now()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def gateways(tmp_path: Path) -> Gateways:
    return Gateways(tmp_path)


def told(gateways: Gateways) -> list[tuple[str, object]]:
    """Kind and gateway of each change that waits for the record."""
    return [(change.kind, change.detail["gateway"]) for change in gateways.unrecorded()]


def test_a_token_leads_to_its_gateway_and_stands_nowhere(
    tmp_path: Path, gateways: Gateways, clock: ManualClock
) -> None:
    made = gateways.add("ivan-1", SeededEntropy(1), clock)
    caller = gateways.authenticate(made.secret, clock)
    assert (caller.gateway, caller.gateway_id, caller.token) == ("ivan-1", made.gateway_id, made.id)
    assert made.secret not in (tmp_path / GATEWAYS_FILE).read_text()
    assert made.secret not in repr(made)
    with pytest.raises(AccessDenied):
        gateways.authenticate(made.secret + "x", clock)


def test_a_removed_name_is_refused_with_what_to_do(gateways: Gateways, clock: ManualClock) -> None:
    entropy = SeededEntropy(1)
    made = gateways.add("ivan-1", entropy, clock)
    gateways.remove("ivan-1", entropy, clock)
    with pytest.raises(AccessDenied):
        gateways.authenticate(made.secret, clock)
    with pytest.raises(Conflict) as refused:
        gateways.add("ivan-1", entropy, clock)
    assert "--bring-back" in refused.value.hint
    assert gateways.names() == []
    with pytest.raises(NotFound):
        gateways.remove("ivan-1", entropy, clock)


def test_a_gateway_that_comes_back_is_the_same_with_another_token(
    gateways: Gateways, clock: ManualClock
) -> None:
    entropy = SeededEntropy(1)
    made = gateways.add("ivan-1", entropy, clock, policy="any")
    gateways.remove("ivan-1", entropy, clock)
    back = gateways.bring_back("ivan-1", entropy, clock)
    assert back.gateway_id == made.gateway_id
    assert gateways.policy_of("ivan-1") is None
    with pytest.raises(AccessDenied):
        gateways.authenticate(made.secret, clock)
    assert gateways.authenticate(back.secret, clock).gateway == "ivan-1"
    with pytest.raises(Conflict):
        gateways.bring_back("ivan-1", entropy, clock)
    with pytest.raises(NotFound):
        gateways.bring_back("never", entropy, clock)


@pytest.mark.parametrize("name", ["vanvault", "vanvault.x", "", "-a", "A", "a b", "a" * 65, "á", "a\n"])
def test_what_is_no_name_is_refused(tmp_path: Path, gateways: Gateways, name: str) -> None:
    with pytest.raises(InvalidInput):
        gateways.add(name, SeededEntropy(1), ManualClock())
    assert not (tmp_path / GATEWAYS_FILE).exists()


def test_a_token_is_good_within_its_dates_only(gateways: Gateways, clock: ManualClock) -> None:
    second = timedelta(seconds=1)
    begin = NOW.replace(microsecond=0) + timedelta(hours=1)
    end = begin + timedelta(days=1)
    terms = TokenTerms.of(not_before=begin, not_after=end)
    made = gateways.add("ivan-1", SeededEntropy(1), clock, terms=terms)
    for moment, good in [(begin - second, False), (begin, True), (end - second, True), (end, False)]:
        clock.moment = moment
        if good:
            assert gateways.authenticate(made.secret, clock).token == made.id
        else:
            with pytest.raises(AccessDenied) as refused:
                gateways.authenticate(made.secret, clock)
            assert not refused.value.authenticated


def test_tokens_overlap_and_the_old_one_ends(gateways: Gateways, clock: ManualClock) -> None:
    entropy = SeededEntropy(1)
    old = gateways.add("ivan-1", entropy, clock)
    new = gateways.add_token("ivan-1", entropy, clock, overlap=timedelta(days=7))
    for secret in (old.secret, new.secret):
        assert gateways.authenticate(secret, clock).gateway == "ivan-1"
    clock.advance(timedelta(days=7))
    with pytest.raises(AccessDenied):
        gateways.authenticate(old.secret, clock)
    assert gateways.authenticate(new.secret, clock).token == new.id


def test_an_overlap_never_makes_a_token_last_longer(gateways: Gateways, clock: ManualClock) -> None:
    entropy = SeededEntropy(1)
    soon = (NOW + timedelta(hours=1)).replace(microsecond=0)
    gateways.add("ivan-1", entropy, clock, terms=TokenTerms.of(not_after=soon))
    gateways.add_token("ivan-1", entropy, clock, overlap=timedelta(days=7))
    assert gateways.get("ivan-1").tokens[0].terms.not_after == soon


def test_one_token_is_removed_by_its_id_and_the_others_stay(gateways: Gateways, clock: ManualClock) -> None:
    entropy = SeededEntropy(1)
    first = gateways.add("ivan-1", entropy, clock)
    second = gateways.add_token("ivan-1", entropy, clock)
    gateways.remove_token("ivan-1", first.id, entropy, clock)
    with pytest.raises(AccessDenied):
        gateways.authenticate(first.secret, clock)
    assert gateways.authenticate(second.secret, clock).token == second.id
    with pytest.raises(NotFound):
        gateways.remove_token("ivan-1", first.id, entropy, clock)


def test_another_process_sees_each_change_at_once(tmp_path: Path, clock: ManualClock) -> None:
    entropy, running, verb = SeededEntropy(1), Gateways(tmp_path), Gateways(tmp_path)
    made = verb.add("ivan-1", entropy, clock)
    assert running.authenticate(made.secret, clock).gateway == "ivan-1"
    verb.remove("ivan-1", entropy, clock)
    with pytest.raises(AccessDenied):
        running.authenticate(made.secret, clock)


@pytest.mark.parametrize(
    ("networks", "address", "good"),
    [
        ((), None, True),
        (("10.0.0.0/8",), "10.2.3.4", True),
        (("10.0.0.0/8",), "11.2.3.4", False),
        (("10.0.0.0/8",), "::1", False),
        (("10.0.0.0/8",), None, False),
        (("10.0.0.0/8", "2001:db8::/32"), "2001:db8::5", True),
        (("192.0.2.7",), "192.0.2.7", True),
    ],
)
def test_a_token_is_good_from_its_networks_only(
    networks: tuple[str, ...], address: str | None, good: bool
) -> None:
    terms, where = TokenTerms.of(networks=networks), ip_address(address) if address else None
    if good:
        terms.check_address(where)
    else:
        with pytest.raises(AccessDenied) as refused:
            terms.check_address(where)
        assert refused.value.authenticated


@pytest.mark.parametrize("text", ["10.0.0.1/8", "nowhere", "", "10.0.0.0/33"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        TokenTerms.of(networks=[text])


def test_a_scope_that_does_not_exist_is_refused_and_one_that_lacks_denies() -> None:
    with pytest.raises(InvalidInput):
        TokenTerms.of(scopes=["read-all"])
    terms = TokenTerms.of(scopes=["push"])
    terms.check_scope("push")
    with pytest.raises(AccessDenied):
        terms.check_scope("read-own")


OLD = {
    "gateway-1": {"token_sha256": "ab" * 32, "added_at": "2026-11-22T01:02:03.000004+00:00"},
    "format": {"token_sha256": "cd" * 32, "added_at": "2026-11-22T01:02:03+00:00", "policy": "any"},
}


def test_a_file_of_the_first_form_is_read_and_stays_until_something_changes(
    tmp_path: Path, gateways: Gateways, clock: ManualClock
) -> None:
    path = tmp_path / GATEWAYS_FILE
    path.write_text(json.dumps(OLD))
    first, again = gateways.all(), Gateways(tmp_path).all()
    assert first == again
    assert [(one.name, one.policy, len(one.tokens)) for one in first] == [
        ("format", "any", 1),
        ("gateway-1", None, 1),
    ]
    assert first[1].tokens[0].terms.scopes == ("push", "read-own")
    assert json.loads(path.read_text()) == OLD
    gateways.add("third", SeededEntropy(1), clock)
    written = json.loads(path.read_text())
    assert written["format"] == 2
    assert gateways.all()[:2] == first
    assert told(gateways) == [("added", "format"), ("added", "gateway-1"), ("added", "third")]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": 3}', '{"format": 2}', '{"a": 1}', '{"a": {}}'])
def test_a_file_that_is_none_is_told_and_not_touched(tmp_path: Path, gateways: Gateways, text: str) -> None:
    (tmp_path / GATEWAYS_FILE).write_text(text)
    with pytest.raises(SettingsError):
        gateways.add("ivan-1", SeededEntropy(1), ManualClock())
    assert (tmp_path / GATEWAYS_FILE).read_text() == text


def test_every_change_waits_for_the_record_and_tells_no_secret(
    tmp_path: Path, gateways: Gateways, clock: ManualClock
) -> None:
    entropy = SeededEntropy(1)
    first = gateways.add("ivan-1", entropy, clock, who="anh")
    second = gateways.add_token("ivan-1", entropy, clock, overlap=timedelta(days=1), who="anh")
    gateways.remove_token("ivan-1", first.id, entropy, clock, who="anh")
    gateways.set_policy("ivan-1", "any", entropy, clock, who="anh")
    gateways.remove("ivan-1", entropy, clock, who="anh")
    gateways.bring_back("ivan-1", entropy, clock, who="anh")
    changes = Gateways(tmp_path).unrecorded()
    kinds = ["added", "token-added", "token-removed", "policy-set", "removed", "brought-back"]
    assert [change.kind for change in changes] == kinds
    assert all(change.detail["who"] == "anh" for change in changes)
    assert all(change.detail["id"] == first.gateway_id for change in changes)
    details = json.dumps([dict(change.detail) for change in changes])
    digests = [token.sha256 for one in gateways.all() for token in one.tokens]
    assert not any(secret in details for secret in (first.secret, second.secret, *digests))
    gateways.recorded([change.nonce for change in changes[:2]])
    assert [change.kind for change in gateways.unrecorded()] == kinds[2:]


ADD = """
import sys
from pathlib import Path
from vanvault.archiver.core.ports import SystemClock, SystemEntropy
from vanvault.archiver.people import Gateways
home, number = Path(sys.argv[1]), sys.argv[2]
gateways = Gateways(home)
print("ready", flush=True); sys.stdin.readline()
print(gateways.add(f"gateway-{number}", SystemEntropy(), SystemClock()).secret, flush=True)
gateways.remove(f"old-{number}", SystemEntropy(), SystemClock())
"""


def test_sixteen_processes_at_once_lose_nothing_and_no_removed_token_comes_back(
    tmp_path: Path, gateways: Gateways, clock: ManualClock
) -> None:
    count, entropy = 16, SeededEntropy(1)
    old = [gateways.add(f"old-{number}", entropy, clock).secret for number in range(count)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ADD, str(tmp_path), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(count)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:  # all of them wait for this line
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    secrets = [process.communicate()[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0] * count
    names = [gateways.authenticate(secret, clock).gateway for secret in secrets]
    assert names == [f"gateway-{number}" for number in range(count)]
    assert gateways.names() == sorted(names)
    for secret in old:
        with pytest.raises(AccessDenied):
            gateways.authenticate(secret, clock)
    assert len(gateways.unrecorded()) == 3 * count
    assert len({one.id for one in gateways.all()}) == 2 * count


def test_last_uses_are_written_when_asked_and_shared_by_the_processes_of_a_home(
    tmp_path: Path, clock: ManualClock
) -> None:
    entropy, one, other = SeededEntropy(1), Gateways(tmp_path), Gateways(tmp_path)
    first, second = one.add("ivan-1", entropy, clock), one.add_token("ivan-1", entropy, clock)
    one.authenticate(first.secret, clock)
    assert other.last_uses() == {}
    one.write_last_uses(datetime(2026, 11, 22, 8, tzinfo=UTC))
    other.authenticate(second.secret, clock)
    other.write_last_uses(datetime(2026, 11, 22, 9, tzinfo=UTC))
    assert one.last_uses() == {first.id: "2026-11-22T08:00:00Z", second.id: "2026-11-22T09:00:00Z"}
    other.authenticate(first.secret, clock)
    other.write_last_uses(datetime(2026, 11, 22, 7, tzinfo=UTC))  # its clock is behind: the later use stays
    assert one.last_uses()[first.id] == "2026-11-22T08:00:00Z"


def test_a_use_that_could_not_be_written_is_written_later(tmp_path: Path, clock: ManualClock) -> None:
    gateways = Gateways(tmp_path)
    made = gateways.add("ivan-1", SeededEntropy(1), clock)
    (tmp_path / "cache").write_bytes(b"in the way")
    gateways.authenticate(made.secret, clock)
    with pytest.raises(OSError):
        gateways.write_last_uses(clock.now())
    (tmp_path / "cache").unlink()
    gateways.write_last_uses(clock.now())
    assert list(gateways.last_uses()) == [made.id]

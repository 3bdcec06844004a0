"""Each fault that the store can have is found, by the check that is meant for it; with none it passes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.stores.probe.faulty_s3 import faulty_s3
from vanvault.archiver.stores import Credentials
from vanvault.archiver.stores.probe import attacker, probe_s3
from vanvault.archiver.stores.probe.checks import CHECKS
from vanvault.archiver.stores.verdict import ProbeResult

DUTIES = ("writer", "reader", "keeper", "disposer", "prober", "admin", "replication")

# fault -> (the check that must fail, the verdict)
FAULTS: dict[str, tuple[str, str]] = {
    "lock-not-enabled": ("lock-enabled", "refused"),
    "deletes-locked": ("delete-version", "refused"),
    "bypass-beats-compliance": ("delete-bypass", "refused"),
    "multi-delete-unchecked": ("delete-objects", "refused"),
    "multi-delete-trusts-first": ("delete-objects-mixed", "refused"),
    "null-deletes-newest": ("delete-null", "refused"),
    "shortens": ("shorten", "refused"),
    "downgrades": ("downgrade", "refused"),
    "clears": ("clear", "refused"),
    "takes-past-dates": ("past-date", "refused"),
    "compares-dates-as-text": ("offset-date", "refused"),
    "unparsable-date-clears": ("unparsable-date", "refused"),
    "refuses-extension": ("extend", "refused"),
    "wraps-2106": ("extend-far", "refused"),
    "loses-seconds": ("date-readback", "refused"),
    "ends-in-2030": ("date-2036", "refused"),
    "wraps-2038": ("date-2039", "refused"),
    "multipart-drops-lock": ("multipart-lock", "weak"),
    "multipart-drops-hold": ("multipart-hold", "weak"),
    "multipart-drops-default": ("multipart-default", "pass"),
    "hold-ends-with-retention": ("hold-binds", "refused"),
    "no-hold-after-expiry": ("hold-after-expiry", "refused"),
    "hold-drops-lock": ("hold-keeps-lock", "refused"),
    "never-releases": ("expiry-releases", "pass"),
    "hold-drops-default": ("hold-keeps-default", "pass"),
    "no-default": ("default-stamped", "pass"),
    "default-unlocks": ("default-weakened", "refused"),
    "any-default-days": ("default-bounds", "pass"),
    "overwrites-in-place": ("overwrite", "refused"),
    "self-copy-replaces": ("self-copy", "refused"),
    "marker-removes": ("delete-marker", "refused"),
    "suspends-versioning": ("versioning-suspend", "refused"),
    "deletes-full-bucket": ("bucket-delete", "refused"),
    "lifecycle-expires-locked": ("lifecycle", "refused"),
    "ignores-if-none-match": ("if-none-match", "weak"),
    "races-if-none-match": ("if-none-match-race", "weak"),
    "marker-hides-key": ("if-none-match-marker", "pass"),
    "multipart-ignores-if-none-match": ("if-none-match-multipart", "pass"),
    "ignores-md5": ("wrong-md5", "weak"),
    "ignores-sha256": ("wrong-sha256", "weak"),
    "ignores-md5 ignores-sha256": ("body-digest", "refused"),
    "forgets-checksum": ("checksum-returned", "pass"),
    "clock-ahead": ("clock-skew", "refused"),
    "disposer-may-more": ("disposer-rights", "weak"),
    "anyone-deletes-unlocked": ("least-privilege", "pass"),
    **{f"trusts-{duty}": (f"duty-{duty}", "refused") for duty in DUTIES},
}

# What no single fault shows: the wrapped date has its own weak check beside the refused one.
SHOWN_ELSEWHERE = {"date-2110"}


class SkippingTime:
    """Real time, but a sleep takes none: it moves the clock, for the probe and for the store."""

    def __init__(self) -> None:
        self._skipped = timedelta(0)
        self._mutex = threading.Lock()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._skipped

    def sleep(self, seconds: float) -> None:
        with self._mutex:
            self._skipped += timedelta(seconds=seconds)


Run = Callable[..., ProbeResult]


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """Probe a store with these faults, as these duties."""
    with faulty_s3() as store:
        attackers = {
            duty: attacker(duty, store.url, Credentials(duty, "unchecked-secret")) for duty in DUTIES
        }

        def run_probe(faults: Collection[str], duties: Collection[str] = ("admin", "writer")) -> ProbeResult:
            clock = SkippingTime()
            ahead = timedelta(hours=1) if "clock-ahead" in faults else timedelta(0)
            store.become(faults, lambda: clock.now() + ahead)
            return probe_s3(
                "primary",
                store.url,
                [attackers[duty] for duty in DUTIES if duty in duties],
                clock=clock,
                sleep=clock.sleep,
                lock=timedelta(seconds=120),
            )

        yield run_probe


def failed(result: ProbeResult) -> dict[str, str]:
    return {finding.check: finding.detail for finding in result.findings if not finding.ok}


def test_a_right_store_passes_and_is_left_clean(run: Run) -> None:
    result = run((), DUTIES)
    assert failed(result) == {}
    assert result.verdict == "pass"
    assert result.remains == ()
    assert all(result.capabilities.values())
    s3_checks = [check for check in CHECKS if not check.startswith("file-")]
    assert [finding.check for finding in result.findings] == s3_checks
    assert result.server == "FaultyS3"


@pytest.mark.parametrize("faults", FAULTS)
def test_each_fault_is_found(run: Run, faults: str) -> None:
    check, verdict = FAULTS[faults]
    named = faults.removeprefix("trusts-").split("-")[0]
    result = run(faults.split(), {"admin", "writer", named})
    assert check in failed(result), failed(result)
    assert result.verdict == verdict, failed(result)


def test_every_check_that_can_fail_has_a_fault() -> None:
    can_fail = {c for c in CHECKS if not c.startswith(("unproved-", "file-"))}
    assert can_fail == {check for check, _ in FAULTS.values()} | SHOWN_ELSEWHERE


def test_what_cannot_be_removed_is_reported(run: Run) -> None:
    result = run(("never-releases",))
    assert any("AccessDenied" in line for line in result.remains)

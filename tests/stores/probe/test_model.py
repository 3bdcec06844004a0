"""The verdict and the form that is signed."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vanvault.archiver.stores.probe.checks import CHECKS, capabilities, finding
from vanvault.archiver.stores.verdict import ProbeFinding, ProbeResult, Severity, verdict


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        ([], "refused"),
        ([("delete-version", True)], "pass"),
        ([("delete-version", True), ("default-stamped", False)], "pass"),
        ([("delete-version", True), ("multipart-lock", False)], "weak"),
        ([("delete-version", False), ("multipart-lock", False)], "refused"),
    ],
)
def test_the_worst_failure_decides(findings: list[tuple[str, bool]], expected: str) -> None:
    assert verdict([finding(check, ok, "") for check, ok in findings]) == expected


@given(st.lists(st.tuples(st.sampled_from(("refuse", "weak", "info")), st.booleans()), min_size=1))
def test_a_failed_finding_never_betters_the_verdict(found: list[tuple[Severity, bool]]) -> None:
    ranks = {"pass": 0, "weak": 1, "refused": 2}
    made = [ProbeFinding("c", 1, ok, severity, "") for severity, ok in found]
    for number, one in enumerate(made):
        mended = [*made[:number], ProbeFinding("c", 1, True, one.severity, ""), *made[number + 1 :]]
        assert ranks[verdict(mended)] <= ranks[verdict(made)]


def test_capabilities_are_what_passed() -> None:
    assert not any(capabilities([]).values())
    assert all(capabilities([finding(check, True, "") for check in CHECKS]).values())
    lost = capabilities([finding(check, check != "if-none-match-race", "") for check in CHECKS])
    assert [name for name, can in lost.items() if not can] == ["put_if_absent"]


def test_every_group_of_twelve_has_checks() -> None:
    assert {check.group for check in CHECKS.values()} == set(range(1, 13))


def test_the_canonical_form_is_stable() -> None:
    moment = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
    result = ProbeResult(
        "primary",
        "https://s3",
        "MinIO",
        moment,
        moment,
        "pass",
        (finding("shorten", True, "gehört"),),
        {},
        (),
    )
    text = result.canonical().decode()
    assert text == (
        '{"capabilities":{},"duties":[],"endpoint":"https://s3","findings":[{"check":"shorten",'
        '"detail":"gehört","group":2,"ok":true,"severity":"refuse"}],"finished_at":"2026-11-22T01:02:03Z",'
        '"format":"vanvault-probe/1","remains":[],"server":"MinIO","site":"primary",'
        '"started_at":"2026-11-22T01:02:03Z","verdict":"pass"}'
    )
    assert json.loads(text) == result.as_dict()

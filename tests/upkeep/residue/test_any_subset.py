"""Whatever is disposed of, in one round or two: all that is kept is there, proved, and nothing else is."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.residues import EVENTS, MESSAGES, Disposable, disposable

from vanvault.archiver.core.errors import EntryDisposed
from vanvault.recovery.verify import verify_archive

WHOLE = [*(f"m-{n}" for n in range(MESSAGES)), *(f"e-{n}" for n in range(EVENTS)), "m-large"]
ORIGINALS = [name for name in WHOLE if name.startswith("m-")]
DISPOSALS = ("d-00000000000000a1", "d-00000000000000a2")

rounds = st.lists(
    st.tuples(st.sets(st.sampled_from(WHOLE), max_size=5), st.sets(st.sampled_from(ORIGINALS), max_size=3)),
    min_size=1,
    max_size=2,
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rounds)
def test_what_is_kept_is_there_and_nothing_else(drawn: list[tuple[set[str], set[str]]]) -> None:
    with TemporaryDirectory() as folder, disposable(Path(folder) / "home") as made:
        gone: set[str] = set()
        without: set[str] = set()
        for disposal, (whole, originals) in zip(DISPOSALS, drawn, strict=False):
            some, bytes_of = whole - gone, originals - whole - gone - without
            if some or bytes_of:
                made.dispose(*sorted(some), originals=sorted(bytes_of), disposal=disposal)
            gone |= some
            without |= bytes_of
        check(made, gone, without - gone)


def check(made: Disposable, gone: set[str], without: set[str]) -> None:
    archive = made.again()
    for name, receipt in made.receipts.items():
        item = archive.search.entry(made.id(name))
        if name in gone:
            assert item["entry"] == "disposed"
            with pytest.raises(EntryDisposed):
                archive.receipts.of(made.id(name))
            continue
        assert archive.receipts.of(made.id(name)) == receipt
        if name in without:
            with pytest.raises(EntryDisposed):
                archive.original(item)
        elif name.startswith("m-"):
            assert len(archive.original(item)) == receipt["size"]
    report = verify_archive(archive)
    assert [(one.problem, one.detail) for one in report.findings if one.failing] == []

"""A residue part that says anything but what is gone from its log is told as wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pytest
from tests.support.compacted import with_column
from tests.support.residues import disposable

from vanvault.archiver.core.format.encrypted import opened
from vanvault.archiver.core.format.segments.schema import SEGMENT_SCHEMAS
from vanvault.recovery.verify.residue_contents import put_back

Tables = dict[str, pa.Table]


@pytest.fixture(scope="module")
def genuine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tables]:
    """Log and residue of a segment of which two entries and an original are gone."""
    with disposable(tmp_path_factory.mktemp("residue") / "home") as made:
        _, manifest = made.dispose("m-1", "e-0", originals=["m-2"])
        tables: Tables = {}
        for part in manifest.parts:
            if part.kind in ("log", "residue"):
                with opened(made.home.primary.get(part.key), made.archive.parquet, part.key) as file:
                    tables[part.kind] = file.read(use_threads=False).cast(SEGMENT_SCHEMAS[part.kind])
        yield tables


def changed(kind: str, name: str, row: int, value: Any) -> Callable[[Tables], Tables]:
    def change(tables: Tables) -> Tables:
        values = tables[kind].column(name).to_pylist()
        values[row] = value
        return {**tables, kind: with_column(tables[kind], name, values)}

    return change


def gone_row(tables: Tables) -> int:
    return tables["log"].column("entry").to_pylist().index("disposed")


def one_less(tables: Tables) -> Tables:
    return {**tables, "residue": tables["residue"].slice(1)}


def one_twice(tables: Tables) -> Tables:
    return {**tables, "residue": pa.concat_tables([tables["residue"].slice(0, 1), tables["residue"]])}


def in_another_order(tables: Tables) -> Tables:
    return {**tables, "residue": tables["residue"].take([2, 1, 0])}


def more_is_said(tables: Tables) -> Tables:
    return changed("log", "employer_code", gone_row(tables), "E1")(tables)


def a_number_is_said(tables: Tables) -> Tables:
    return changed("log", "insurance_numbers", gone_row(tables), ["790"])(tables)


def one_more_is_gone(tables: Tables) -> Tables:
    kept = tables["log"].column("message_id").to_pylist().index("m-3")
    return changed("log", "entry", kept, "disposed")(tables)


def a_line_of_the_archive_is_gone(tables: Tables) -> Tables:
    return changed("log", "gateway", gone_row(tables), "vanvault")(tables)


def test_the_genuine_one_is_not(genuine: Tables) -> None:
    found = put_back(genuine["log"], genuine["residue"])
    assert found.flaws == ()
    assert "disposed" not in found.log.column("entry").to_pylist()
    assert int(found.without.sum()) == 3


@pytest.mark.parametrize(
    "forge",
    [
        one_less,
        one_twice,
        in_another_order,
        more_is_said,
        a_number_is_said,
        one_more_is_gone,
        a_line_of_the_archive_is_gone,
        changed("residue", "row", 0, 77),
        changed("residue", "what", 0, "original"),
        changed("residue", "what", 0, "nothing"),
        changed("residue", "entry", 0, "letter"),
        changed("residue", "rule", 0, ""),
        changed("residue", "disposal", 1, ""),
    ],
    ids=[str(number) for number in range(13)],
)
def test_any_other_is(genuine: Tables, forge: Callable[[Tables], Tables]) -> None:
    tables = forge(genuine)
    assert put_back(tables["log"], tables["residue"], key="k").flaws

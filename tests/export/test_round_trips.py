"""What an export holds is what a plain scan of the archive finds, in every form."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.export.conftest import Filled, manifest_beside, members, run_verifier
from vanvault.archiver.core.canonical import canonical
from vanvault.archiver.core.errors import Busy, Conflict, InvalidInput, SiteUnavailable
from vanvault.archiver.core.evidence import verify_receipt
from vanvault.archiver.core.times import rfc3339_us, to_us
from vanvault.archiver.export import ExportReport, export, parse_request
from vanvault.archiver.export.forms import CSV_COLUMNS, ndjson_line, safe_cell, write_parquet
from vanvault.archiver.export.manifest import statement
from vanvault.archiver.export.workspace import Workspace
from vanvault.archiver.keys import verify

FILTERS: list[dict[str, str]] = [{}, {"entry": "message"}, {"type": "type-1"}, {"employer_code": "none"}]


def check_signed(full: Filled, manifest: dict[str, Any]) -> None:
    signature = base64.b64decode(manifest.pop("signature"))
    digest = hashlib.sha256(canonical(manifest)).hexdigest()
    key = full.archive.signing.public(manifest["signing_key"])
    verify(key, signature, statement(manifest["archive"], digest))


def uncell(text: str) -> str:
    return text.removeprefix("'")


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_csv_holds_every_row_and_value(full: Filled, tmp_path: Path, filters: dict[str, str]) -> None:
    wanted = full.items(**filters)
    report = full.export(tmp_path / "x.csv", "csv", **filters)
    text = (tmp_path / "x.csv").read_bytes().decode()
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert text.count("\r\n") == len(rows) == len(wanted) + 1 == report.state.counts.items + 1
    assert tuple(rows[0]) == CSV_COLUMNS
    for row, item in zip(rows[1:], wanted, strict=True):
        assert all(not cell or cell[0] not in "=+-@\t\r＝" for cell in row)
        found = dict(zip(CSV_COLUMNS, map(uncell, row), strict=True))
        assert found.pop("sites") == "primary standby"
        assert found.pop("locked_until") == min(p["retain_until"] for p in item["placements"])
        assert found.pop("insurance_numbers") == " ".join(item["insurance_numbers"])
        assert (found.pop("held"), item["held"]) == ("false", False)
        assert found == {name: str(item.get(name) if item.get(name) is not None else "") for name in found}


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_ndjson_and_its_manifest(full: Filled, tmp_path: Path, filters: dict[str, str]) -> None:
    wanted = full.items(**filters)
    report = full.export(tmp_path / "x.ndjson", "ndjson", **filters)
    data = (tmp_path / "x.ndjson").read_bytes()
    assert [json.loads(line) for line in data.splitlines()] == wanted
    manifest = manifest_beside(report)
    assert report.manifest_path is not None
    assert hashlib.sha256(report.manifest_path.read_bytes()).hexdigest() == report.manifest_sha256
    assert manifest["content"] == {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    assert manifest["counts"]["items"] == len(wanted)
    assert filters.items() <= manifest["filter"].items()
    assert manifest["unreadable"] == []
    check_signed(full, manifest)


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_parquet_holds_every_row_and_value(full: Filled, tmp_path: Path, filters: dict[str, str]) -> None:
    wanted = full.items(**filters)
    full.export(tmp_path / "x.parquet", "parquet", **filters)
    found = pq.read_table(tmp_path / "x.parquet").to_pylist()
    assert len(found) == len(wanted)
    for row, item in zip(found, wanted, strict=True):
        known = {name: value for name, value in row.items() if value is not None}
        for name in ("received_at", "occurred_at"):
            if name in known:
                known[name] = rfc3339_us(to_us(known[name]))
        assert known == {name: value for name, value in item.items() if value is not None}


def test_parquet_ends_a_row_group_when_it_is_large(shared: Filled) -> None:
    item = shared.items(entry="message")[0]
    crowded = {**item, "insurance_numbers": ["7900000001"] * 10_000}
    target = io.BytesIO()
    write_parquet([ndjson_line(crowded)] * 300, target)
    groups = pq.ParquetFile(pa.BufferReader(target.getvalue())).metadata
    assert groups.num_rows == 300
    assert groups.num_row_groups == 3


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_zip_holds_every_row_and_original(full: Filled, tmp_path: Path, filters: dict[str, str]) -> None:
    wanted = full.items(**filters)
    report = full.export(tmp_path / "x.zip", "zip", **filters)
    found = members(tmp_path / "x.zip")
    assert [json.loads(line) for line in found["items.ndjson"].splitlines()] == wanted
    originals = {name: data for name, data in found.items() if name.startswith("originals/")}
    messages = [item for item in wanted if item["entry"] == "message"]
    assert len(originals) == len(messages) == report.state.counts.originals
    endings = {"application/xml": "xml", "application/xml; charset=utf-8": "xml", "application/pdf": "pdf"}
    for item in messages:
        name = f"originals/{item['id']}.{endings.get(item['content_type'], 'bin')}"
        assert originals[name] == full.bodies[item["message_id"]]
    for item in wanted:
        receipt = json.loads(found[f"receipts/{item['id']}.json"])
        assert receipt == full.archive.receipts.of(item["id"])
        verify_receipt(receipt, full.archive.signing.public, digests=(item["sha256"], item["sha512"]))
    sums = dict(line.split("  ")[::-1] for line in found["SHA256SUMS"].decode().splitlines())
    assert sums == {
        name: hashlib.sha256(data).hexdigest()
        for name, data in found.items()
        if name not in ("SHA256SUMS", "manifest.json")
    }
    check_signed(full, json.loads(found["manifest.json"]))
    assert hashlib.sha256(found["manifest.json"]).hexdigest() == report.manifest_sha256
    code, said = run_verifier(tmp_path / "x.zip")
    assert code == 0, said
    assert f"good: {len(wanted)} entries, {len(messages)} originals" in said


def test_every_export_is_on_record_before_and_after(full: Filled, tmp_path: Path) -> None:
    report = full.export(tmp_path / "x.csv", "csv", employer_code="TA0001A", to="2100-01-01")
    (started,) = full.events("export.started")
    assert started == {
        "export": report.state.export,
        "filter": {"employer_code": "TA0001A", "to": "2100-01-01T00:00:00.000000Z"},
        "format": "csv",
        "reason": "an audit",
        "who": "auditor",
    }
    (finished,) = full.events("export.finished")
    assert finished["items"] == len(full.items(employer_code="TA0001A"))
    assert finished["bytes"] == (tmp_path / "x.csv").stat().st_size
    assert finished["manifest_sha256"] == report.manifest_sha256
    assert finished["who"] == "auditor"


def test_nothing_is_written_when_it_cannot_be_put_on_record(full: Filled, tmp_path: Path) -> None:
    full.home.standby.fail_next("put", times=1000)
    with pytest.raises(Exception, match="standby"):
        full.export(tmp_path / "out" / "x.csv", "csv")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_finished_export_is_never_replaced(full: Filled, tmp_path: Path) -> None:
    full.export(tmp_path / "x.csv", "csv")
    before = (tmp_path / "x.csv").read_bytes()
    with pytest.raises(Conflict):
        full.export(tmp_path / "x.csv", "csv")
    assert (tmp_path / "x.csv").read_bytes() == before
    assert not (tmp_path / "x.csv.part").exists()


def test_two_at_once_are_refused(shared: Filled, tmp_path: Path) -> None:
    (tmp_path / "x.csv.part").mkdir()
    with Workspace(tmp_path / "x.csv").locked(), pytest.raises(Busy):
        shared.export(tmp_path / "x.csv", "csv")


@pytest.mark.parametrize(
    ("format", "reason", "parameters", "field"),
    [
        ("csv", "  ", [], "reason"),
        ("csv", "a\nb", [], "reason"),
        ("csv", "x" * 501, [], "reason"),
        ("xlsx", "why", [], "format"),
        ("csv", "why", [("limit", "5")], "limit"),
        ("csv", "why", [("order", "newest")], "order"),
        ("csv", "why", [("colour", "red")], "colour"),
        ("csv", "why", [("from", "2026-02-01"), ("to", "2026-01-01")], "to"),
    ],
)
def test_bad_requests_name_what_is_wrong(
    format: str, reason: str, parameters: list[tuple[str, str]], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_request(parameters, format=format, reason=reason)
    assert caught.value.field == field


@given(st.text())
def test_a_cell_never_begins_a_formula_and_loses_nothing(text: str) -> None:
    cell = safe_cell(text)
    assert cell[:1] not in tuple("=+-@\t\r\n＝＋－＠")
    assert uncell(cell) == text


@pytest.mark.parametrize("kind", ["flip", "drop"])
def test_a_damaged_original_is_named(full: Filled, tmp_path: Path, kind: str) -> None:
    large = next(item for item in full.items() if item.get("large_object"))
    for site in full.home.sites.values():
        if kind == "flip":
            site.damage.flip(large["large_object"])
        else:
            site.damage.drop(large["large_object"])
    report = full.export(tmp_path / "x.zip", "zip")
    reason = "damaged" if kind == "flip" else "missing"
    assert report.unreadable == [{"id": large["id"], "reason": reason}]
    found = members(tmp_path / "x.zip")
    assert json.loads(found["manifest.json"])["unreadable"] == report.unreadable
    assert f"receipts/{large['id']}.json" in found
    assert not any(large["id"] in name for name in found if name.startswith("originals/"))
    code, said = run_verifier(tmp_path / "x.zip")
    assert code == 0
    assert "1 UNREADABLE" in said


def test_an_original_is_not_given_up_while_a_site_is_away(full: Filled, tmp_path: Path) -> None:
    large = next(item for item in full.items() if item.get("large_object"))
    full.home.standby.damage.flip(large["large_object"])
    away = SiteUnavailable("away", site="primary")

    def go_away(_: int) -> None:
        full.home.primary.fail_next("get", times=1000, error=away)
        full.home.primary.fail_next("versions", times=1000, error=away)

    request = parse_request([], format="zip", reason="an audit")
    with pytest.raises(SiteUnavailable):
        export(full.archive, request, tmp_path / "x.zip", who="auditor", step=go_away)
    full.home.primary.fail_next("get", times=0)
    full.home.primary.fail_next("versions", times=0)
    report = full.export(tmp_path / "x.zip", "zip")
    assert report.resumed
    assert report.unreadable == []
    assert run_verifier(tmp_path / "x.zip")[0] == 0


def test_a_batch_that_no_site_can_give_is_named(full: Filled, tmp_path: Path) -> None:
    key = full.items(entry="message")[0]["object"]
    lost = sum(item["object"] == key for item in full.items())
    count = len(full.items())
    for site in full.home.sites.values():
        site.damage.flip(key, 4000)
    full.archive.close()
    full.home.forget_hot_tail()
    again = Filled(full.home, full.home.archive())
    report: ExportReport = again.export(tmp_path / "x.ndjson", "ndjson")
    assert report.unreadable == [{"object": key, "reason": "damaged"}]
    assert manifest_beside(report)["unreadable"] == report.unreadable
    # Opening an archive anew adds nothing: what is not lost is there.
    assert len((tmp_path / "x.ndjson").read_bytes().splitlines()) == count - lost

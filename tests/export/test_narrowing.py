"""An export of some fields only: what was not granted is not there, and every other story is refused."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.export.conftest import Filled, members, run_verifier
from tests.export.test_verify_offline import edit, first, refused, sealed_again, write
from tests.support.forms import told_form
from vanvault.archiver.core.canonical import canonical
from vanvault.archiver.core.errors import Conflict
from vanvault.archiver.core.times import parse_rfc3339
from vanvault.archiver.export import ExportRequest, Narrowing, export, parse_request
from vanvault.archiver.keys import public_pem
from vanvault.archiver.people.extraction import ExtractionForm, new_form

NOW = datetime(2026, 11, 30, tzinfo=UTC)


def form_for(*fields: str) -> ExtractionForm:
    return new_form(told_form(fields=list(fields)), NOW)


def narrowed(
    filled: Filled,
    *fields: str,
    count: int | None = None,
    copies: Callable[[Iterable[bytes]], Mapping[str, bytes]] = lambda lines: {},
) -> ExportRequest:
    """An export of these fields by a form that somebody approved."""
    form = form_for(*fields)
    found = len(filled.items(employer_code="TA0001A"))
    subject = {"extraction": "x-1", "form": form.as_json(), "count": found}
    approval = canonical({"act": "extraction", "subject": subject})
    told = form.as_json()
    statement = {
        "id": "x-1",
        "form_sha256": form.digest,
        "absent": list(form.absent),
        "approval": {
            "request": "q-1",
            "digest": hashlib.sha256(approval).hexdigest(),
            "approved_by": ["mai"],
        },
        **{name: told[name] for name in ("fields", "letter", "recipient", "until")},
    }
    request = parse_request([("employer_code", "TA0001A")], format="zip", reason="letter 123/TTr-BHXH")
    files = {"form.json": form.canonical, "approval.json": approval}
    count = found if count is None else count
    return replace(request, narrowing=Narrowing(frozenset(fields), statement, count, files, copies))


def extracted(filled: Filled, path: Path, *fields: str) -> Path:
    export(filled.archive, narrowed(filled, *fields), path, who="lan")
    return path


@pytest.fixture(scope="module")
def everything(shared: Filled, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("narrowed") / "x.zip"
    return extracted(shared, path, "agency", "original", "receipt", "sha256")


@pytest.mark.parametrize(
    "fields",
    [("dossier_number",), ("sha256", "sha512"), ("original",), ("receipt",), ("original", "sha256"),
     ("receipt", "original", "size", "gateway")],
    ids="+".join,
)  # fmt: skip
def test_only_what_was_granted_is_there_and_it_is_genuine(
    shared: Filled, tmp_path: Path, fields: tuple[str, ...]
) -> None:
    path = extracted(shared, tmp_path / "x.zip", *fields)
    found = members(path)
    items = [json.loads(line) for line in found["items.ndjson"].splitlines()]
    assert {item["id"] for item in items} == {item["id"] for item in shared.items(employer_code="TA0001A")}
    assert all(set(item) <= {"id", "entry", *fields} for item in items)
    assert any(name.startswith("originals/") for name in found) == ("original" in fields)
    assert any(name.startswith("receipts/") for name in found) == ("receipt" in fields)
    manifest = json.loads(found["manifest.json"])
    assert manifest["kind"] == "extraction"
    assert manifest["extraction"]["fields"] == sorted(fields)
    assert set(manifest["extraction"]["absent"]).isdisjoint(fields)
    key = tmp_path / "key.pem"
    key.write_bytes(public_pem(shared.archive.signing.active().public()))
    code, said = run_verifier(path, key)
    assert (code, "extraction x-1" in said) == (0, True), said


def test_the_times_of_files_tell_no_time_of_receipt_that_was_not_granted(
    shared: Filled, tmp_path: Path
) -> None:
    def times(path: Path, folder: str) -> set[tuple[int, ...]]:
        with zipfile.ZipFile(path) as file:
            return {one.date_time for one in file.infolist() if one.filename.startswith(folder)}

    without = extracted(shared, tmp_path / "a.zip", "original")
    assert times(without, "originals/") == times(without, "verify.py")
    assert "when the archive received" not in members(without)["README.en.txt"].decode()
    granted = extracted(shared, tmp_path / "b.zip", "original", "received_at")
    received = {item["received_at"] for item in shared.items(employer_code="TA0001A", entry="message")}
    assert "when the archive received" in members(granted)["README.en.txt"].decode()
    assert times(granted, "originals/") == {vietnam(one) for one in received}


def vietnam(text: str) -> tuple[int, ...]:
    """As a ZIP names a time: to the even second before it."""
    at = parse_rfc3339(text) + timedelta(hours=7)
    return (at.year, at.month, at.day, at.hour, at.minute, at.second // 2 * 2)


def test_entries_of_the_archive_itself_never_go_along(full: Filled, tmp_path: Path) -> None:
    request = narrowed(full, "type", count=len(full.items(entry="event")))
    own = replace(request, query=replace(request.query, filters={"entry": "event"}))
    with pytest.raises(Conflict, match="are to be there"):
        export(full.archive, own, tmp_path / "all.zip", who="lan")
    assert full.events("export.started"), "an event of the archive's own was there to be found"
    assert not (tmp_path / "all.zip").exists()


def test_where_other_entries_are_found_than_were_counted_nothing_is_given_out(
    full: Filled, tmp_path: Path
) -> None:
    with pytest.raises(Conflict, match="are to be there"):
        export(full.archive, narrowed(full, "state", count=3), tmp_path / "x.zip", who="lan")
    assert not (tmp_path / "x.zip").exists()


def test_copies_are_made_of_what_was_granted_and_are_bound_with_the_rest(
    shared: Filled, tmp_path: Path
) -> None:
    def copies(lines: Iterable[bytes]) -> dict[str, bytes]:
        return {
            "copies/fields.txt": b" ".join(sorted({f.encode() for one in lines for f in json.loads(one)}))
        }

    path = tmp_path / "x.zip"
    export(shared.archive, narrowed(shared, "state", copies=copies), path, who="lan")
    found = members(path)
    assert found["copies/fields.txt"] == b"entry id state"
    assert not refused(path)
    assert refused(write(tmp_path / "y.zip", found | {"copies/fields.txt": b"other"}))


def test_every_flipped_byte_of_a_member_is_refused(everything: Path, tmp_path: Path) -> None:
    for name, data in members(everything).items():
        found = members(everything)
        found[name] = data[:-1] + bytes([data[-1] ^ 1])
        assert refused(write(tmp_path / "x.zip", found)), name


def _more_fields(found: dict[str, bytes]) -> None:
    found["items.ndjson"] = found["items.ndjson"].replace(b'"agency"', b'"state":"x","agency"')


def _one_entry_less(found: dict[str, bytes]) -> None:
    lines = found["items.ndjson"].splitlines(keepends=True)
    id = json.loads(lines.pop())["id"]
    found["items.ndjson"] = b"".join(lines)
    for name in [name for name in found if id in name]:
        del found[name]
    edit(found, "manifest.json", lambda one: one["counts"].update(items=len(lines)))


def _another_form(found: dict[str, bytes]) -> None:
    edit(found, "form.json", lambda form: form.update(purpose="another"))
    digest = hashlib.sha256(found["form.json"]).hexdigest()
    edit(found, "manifest.json", lambda one: one["extraction"].update(form_sha256=digest))


def _another_approval(found: dict[str, bytes]) -> None:
    edit(found, "approval.json", lambda one: one["subject"]["form"].update(purpose="another"))
    digest = hashlib.sha256(found["approval.json"]).hexdigest()
    edit(found, "manifest.json", lambda one: one["extraction"]["approval"].update(digest=digest))


def _another_act(found: dict[str, bytes]) -> None:
    edit(found, "approval.json", lambda one: one.update(act="promote"))
    digest = hashlib.sha256(found["approval.json"]).hexdigest()
    edit(found, "manifest.json", lambda one: one["extraction"]["approval"].update(digest=digest))


def _told(**changed: Any) -> Callable[[dict[str, bytes]], None]:
    return lambda found: edit(found, "manifest.json", lambda one: one["extraction"].update(**changed))


@pytest.mark.parametrize(
    "change",
    [_more_fields, _one_entry_less, _another_form, _another_approval, _another_act,
     _told(fields=["agency"]), _told(until="2030-01-01"), _told(id="x-2"),
     _told(letter={**told_form()["letter"], "number": "1"}), _told(recipient={"name": "x", "agency": "y"})],
    ids=lambda change: getattr(change, "__name__", "told"),
)  # fmt: skip
def test_even_one_who_can_sign_anew_is_refused_where_form_approval_and_entries_do_not_fit(
    everything: Path, shared: Filled, tmp_path: Path, change: Callable[[dict[str, bytes]], None]
) -> None:
    found = members(everything)
    signer = shared.archive.signing.active()
    assert not refused(write(tmp_path / "same.zip", sealed_again(found, signer.sign, signer.key_id)))
    change(found)
    assert refused(write(tmp_path / "x.zip", sealed_again(found, signer.sign, signer.key_id)))


def test_a_changed_approver_is_refused(everything: Path, tmp_path: Path) -> None:
    found = members(everything)
    edit(found, "manifest.json", lambda one: one["extraction"]["approval"].update(approved_by=["lan"]))
    assert refused(write(tmp_path / "x.zip", found))
    assert first(found, "originals/")

"""The offline verifier accepts what the archive exported, and refuses every kind of tampering."""

from __future__ import annotations

import ast
import base64
import hashlib
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.export.conftest import Filled, members, run_verifier
from vanvault.archiver.core.canonical import canonical
from vanvault.archiver.core.evidence import ReceiptTree
from vanvault.archiver.export.manifest import statement
from vanvault.archiver.export.verify_offline import Bad, check_receipt, main
from vanvault.archiver.keys import public_pem
from vanvault.archiver.keys.signing import key_id_of

Members = dict[str, bytes]


@pytest.fixture(scope="module")
def exported(shared: Filled, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "x.zip"
    shared.export(path, "zip")
    return path


def write(path: Path, found: Members) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name, data in found.items():
            file.writestr(name, data)
    return path


def refused(path: Path, *keys: Path) -> bool:
    return main([str(path), *map(str, keys)]) == 1


def first(found: Members, prefix: str, number: int = 0) -> str:
    return [name for name in found if name.startswith(prefix)][number]


def edit(found: Members, name: str, change: Callable[[Any], None]) -> None:
    """Change a JSON member."""
    value = json.loads(found[name])
    change(value)
    found[name] = canonical(value)


def sealed_again(found: Members, sign: Callable[[bytes], bytes], key_id: str) -> Members:
    """Digests, manifest and signature anew, as one who holds a signing key would make them."""
    rest = {name: data for name, data in found.items() if name not in ("SHA256SUMS", "manifest.json")}
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in rest.items()).encode()
    body = json.loads(found["manifest.json"])
    body.pop("signature")
    body["signing_key"] = key_id
    body["content"] = {
        "list": "SHA256SUMS", "members": len(rest), "sha256": hashlib.sha256(sums).hexdigest()
    }  # fmt: skip
    digest = hashlib.sha256(canonical(body)).hexdigest()
    signature = base64.b64encode(sign(statement(body["archive"], digest))).decode()
    return {**rest, "SHA256SUMS": sums, "manifest.json": canonical({**body, "signature": signature})}


def test_it_accepts_what_was_exported(exported: Path, shared: Filled, tmp_path: Path) -> None:
    assert not refused(exported)
    signer = shared.archive.signing.active()
    key = tmp_path / "key.pem"
    key.write_bytes(public_pem(signer.public()))
    code, said = run_verifier(exported, key)
    assert code == 0
    assert f"keys {signer.key_id} (trusted)" in said
    assert not refused(write(tmp_path / "copy.zip", members(exported)))


def test_it_needs_nothing_of_this_package(exported: Path) -> None:
    script = members(exported)["verify.py"].decode()
    imported = {
        alias.name.split(".")[0] if isinstance(node, ast.Import) else (node.module or "").split(".")[0]
        for node in ast.walk(ast.parse(script))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert imported - sys.stdlib_module_names == {"cryptography"}, "which is used where it is there"
    assert run_verifier(exported)[0] == 0


def test_every_flipped_byte_of_a_member_is_refused(exported: Path, tmp_path: Path) -> None:
    for name, data in members(exported).items():
        found = members(exported)
        found[name] = data[:-1] + bytes([data[-1] ^ 1])
        assert refused(write(tmp_path / "x.zip", found)), name


@pytest.mark.parametrize("name", ["SHA256SUMS", "manifest.json", "items.ndjson", "verify.py", "originals/"])
def test_a_file_that_is_missing_is_refused(exported: Path, tmp_path: Path, name: str) -> None:
    found = members(exported)
    del found[first(found, name)]
    assert refused(write(tmp_path / "x.zip", found))


def test_a_file_too_many_is_refused(exported: Path, tmp_path: Path) -> None:
    assert refused(write(tmp_path / "x.zip", members(exported) | {"originals/more.xml": b"<x/>"}))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_twice_is_refused(exported: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "x.zip", members(exported))
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("items.ndjson", b"")
    assert refused(path)


def test_a_list_made_anew_is_refused(exported: Path, tmp_path: Path) -> None:
    """Whoever changes a file changes its digest in the list, too; the manifest binds the list."""
    found = members(exported)
    old, new = found["README.en.txt"], found["README.en.txt"] + b"more"
    digests = [hashlib.sha256(data).hexdigest().encode() for data in (old, new)]
    found |= {"README.en.txt": new, "SHA256SUMS": found["SHA256SUMS"].replace(*digests)}
    assert refused(write(tmp_path / "x.zip", found))


def test_a_torn_file_is_refused(exported: Path, tmp_path: Path) -> None:
    whole = exported.read_bytes()
    for size in (0, 100, len(whole) // 2, len(whole) - 1):
        (tmp_path / "x.zip").write_bytes(whole[:size])
        assert refused(tmp_path / "x.zip")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("reason", "none"),
        ("who", "nobody"),
        ("unreadable", [{"id": "x", "reason": "damaged"}]),
        ("filter", {}),
        ("finished_at", "2020-01-01T00:00:00.000000Z"),
        ("counts", {"events": 0, "items": 0, "messages": 0, "originals": 0}),
        ("signature", base64.b64encode(bytes(64)).decode()),
        ("signing_key", "0" * 16),
        ("archive", "another"),
    ],
)
def test_a_changed_manifest_is_refused(exported: Path, tmp_path: Path, name: str, value: object) -> None:
    found = members(exported)
    edit(found, "manifest.json", lambda manifest: manifest.update({name: value}))
    assert refused(write(tmp_path / "x.zip", found))


def test_a_manifest_in_another_spelling_is_refused(exported: Path, tmp_path: Path) -> None:
    found = members(exported)
    found["manifest.json"] = json.dumps(json.loads(found["manifest.json"])).encode()
    assert refused(write(tmp_path / "x.zip", found))


def test_a_forger_with_a_key_of_his_own_is_refused(exported: Path, shared: Filled, tmp_path: Path) -> None:
    """He leaves an entry out, and signs everything anew."""
    genuine = tmp_path / "genuine.pem"
    genuine.write_bytes(public_pem(shared.archive.signing.active().public()))
    forger = Ed25519PrivateKey.generate()
    found = members(exported)
    lines = found["items.ndjson"].splitlines(keepends=True)
    gone = json.loads(lines[-1])["id"]
    found = {name: data for name, data in found.items() if gone not in name}
    found["items.ndjson"] = b"".join(lines[:-1])
    found[f"keys/{key_id_of(forger.public_key())}.pem"] = public_pem(forger.public_key())
    path = write(tmp_path / "x.zip", sealed_again(found, forger.sign, key_id_of(forger.public_key())))
    assert refused(path, genuine)


def swap_receipts(found: Members) -> None:
    one, two = first(found, "receipts/", 0), first(found, "receipts/", 1)
    found[one], found[two] = found[two], found[one]


def swap_originals(found: Members) -> None:
    one, two = first(found, "originals/", 0), first(found, "originals/", 1)
    found[one], found[two] = found[two], found[one]


def in_receipt(change: Callable[[Any], None]) -> Callable[[Members], None]:
    return lambda found: edit(found, first(found, "receipts/"), change)


def in_items(entry: str, name: str, value: object) -> Callable[[Members], None]:
    def change(found: Members) -> None:
        items = [json.loads(line) for line in found["items.ndjson"].splitlines()]
        next(item for item in items if item["entry"] == entry and item["gateway"] == "gateway-1")[name] = (
            value
        )
        found["items.ndjson"] = b"".join(canonical(item) + b"\n" for item in items)

    return change


def longer_path(receipt: dict[str, Any]) -> None:
    receipt["proof"]["path"].append("00" * 32)


def name_unreadable(found: Members) -> None:
    entry = {"id": first(found, "originals/")[10:].split(".")[0], "reason": "damaged"}
    edit(found, "manifest.json", lambda manifest: manifest["unreadable"].append(entry))


def drop_line(found: Members) -> None:
    found["items.ndjson"] = found["items.ndjson"].split(b"\n", 1)[1]


#: What the archive's own key would have to have signed: digests and manifest fit, receipts do not.
FORGERIES: dict[str, Callable[[Members], None]] = {
    "receipts swapped": swap_receipts,
    "originals swapped": swap_originals,
    "receipt of another time": in_receipt(lambda r: r.update(received_at="2020-01-01T00:00:00.000000Z")),
    "receipt with a longer lock": in_receipt(
        lambda r: r["placements"][0].update(retain_until="2100-01-01T00:00:00Z")
    ),
    "receipt of another archive": in_receipt(lambda r: r.update(archive="another")),
    "receipt of another row": in_receipt(lambda r: r.update(row=r["row"] + 1)),
    "receipt of an unknown format": in_receipt(lambda r: r.update(format="v0")),
    "receipt signature": in_receipt(lambda r: r.update(signature=base64.b64encode(bytes(64)).decode())),
    "receipt index outside": in_receipt(lambda r: r["proof"].update(size=0)),
    "receipt path too long": in_receipt(longer_path),
    "receipt path too short": in_receipt(lambda r: r["proof"].update(size=10**6)),
    "event changed": in_items("event", "type", "other"),
    "event detail changed": in_items("event", "detail", '{"a":1}'),
    "message digest changed": in_items("message", "sha256", "0" * 64),
    "message id changed": in_items("message", "message_id", "other"),
    "entry left out": drop_line,
    "original left out": lambda found: found.pop(first(found, "originals/")) and None,
    "receipt left out": lambda found: found.pop(first(found, "receipts/")) and None,
    "original of no entry": lambda found: found.update({"originals/x.xml": b""}),
    "receipt of no entry": lambda found: found.update({"receipts/x.json": b"{}"}),
    "unreadable, yet there": lambda found: edit(
        found,
        "manifest.json",
        lambda m: m["unreadable"].append(
            {"id": first(found, "originals/")[10:].split(".")[0], "reason": "x"}
        ),
    ),
    "not a key": lambda found: found.update({"keys/x.pem": b"x"}),
}


@pytest.mark.parametrize("kind", FORGERIES)
def test_receipts_bind_even_the_archives_own_key(
    exported: Path, shared: Filled, tmp_path: Path, kind: str
) -> None:
    signer = shared.archive.signing.active()
    found = members(exported)
    untouched = write(tmp_path / "same.zip", sealed_again(found, signer.sign, signer.key_id))
    assert not refused(untouched)
    FORGERIES[kind](found)
    assert refused(write(tmp_path / "x.zip", sealed_again(found, signer.sign, signer.key_id)))


@pytest.mark.parametrize("count", ["items", "messages", "events", "originals"])
def test_a_manifest_that_counts_other_entries_is_refused_whoever_signed_it(
    exported: Path, shared: Filled, tmp_path: Path, count: str
) -> None:
    signer = shared.archive.signing.active()
    found = members(exported)
    good = write(tmp_path / "good.zip", sealed_again(found, signer.sign, signer.key_id))
    assert not refused(good)
    manifest = json.loads(found["manifest.json"])
    manifest["counts"][count] += 1
    found["manifest.json"] = canonical(manifest)
    assert refused(write(tmp_path / "x.zip", sealed_again(found, signer.sign, signer.key_id)))


def test_a_receipt_in_the_place_of_another_row_is_refused() -> None:
    """Path and signature fit: only that it lies where it says tells which row it is of."""
    key = Ed25519PrivateKey.generate()
    bodies = [
        {"format": "vanvault-receipt-v1", "archive": "a", "object": "o", "row": row, "signing_key": "k"}
        for row in (1, 0, 2)
    ]
    tree = ReceiptTree(bodies)
    signature = key.sign(tree.statement)
    keys = {"k": key.public_key().public_bytes_raw()}
    check_receipt(tree.receipt(2, signature), keys)
    for index in (0, 1):
        with pytest.raises(Bad, match="another row"):
            check_receipt(tree.receipt(index, signature), keys)

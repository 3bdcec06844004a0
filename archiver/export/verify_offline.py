"""Checks a VanVault export offline: python verify.py EXPORT.zip [TRUSTED_KEY.pem ...]

Needs Python 3.9 and the package ``cryptography`` (40 or later). Ends with 0 when all is whole, else with 1.
In this order: the manifest's signature; every file against the list of digests; of an extraction its form
and approval; every receipt's proof and signature; every entry and original against its receipt.
Without a key it believes those in the ZIP.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import zipfile
from pathlib import Path
from typing import IO, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

BUSINESS = "transaction_id ivan employer_code tax_code insurance_numbers dossier_number procedure period"
EVENT = f"actor detail event_id gateway message_id occurred_at type kind state agency {BUSINESS}".split()
SHARED = ("id", "gateway", "size", "sha256", "sha512", "received_at", "object", "row")


class Bad(Exception):
    """Not whole."""


def check(holds: bool, what: str) -> None:
    if not holds:
        raise Bad(what)


def canonical(value: object) -> bytes:
    """RFC 8785, for the texts, whole numbers and lists of a manifest or receipt."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digests(file: IO[bytes]) -> tuple[str, str]:
    sha256, sha512 = hashlib.sha256(), hashlib.sha512()
    while chunk := file.read(2**20):
        sha256.update(chunk)
        sha512.update(chunk)
    return sha256.hexdigest(), sha512.hexdigest()


def public_key(pem: bytes) -> tuple[str, Ed25519PublicKey]:
    key = load_pem_public_key(pem)
    if not isinstance(key, Ed25519PublicKey):
        raise Bad("a public key is not an Ed25519 key")
    return hashlib.sha256(key.public_bytes_raw()).digest()[:8].hex(), key


def verify_signature(keys: dict[str, Ed25519PublicKey], key_id: str, signature: str, text: str) -> None:
    check(key_id in keys, f"signed by {key_id}, which is not among the trusted keys")
    keys[key_id].verify(base64.b64decode(signature, validate=True), text.encode())


def root(leaf: bytes, index: int, size: int, path: list[str]) -> bytes:
    """RFC 9162, 2.1.3.2."""
    check(0 <= index < size, "a receipt's proof lies outside its tree")
    node, last, found = index, size - 1, leaf
    for sibling in map(bytes.fromhex, path):
        check(last > 0, "a receipt's path is too long")
        left = node % 2 == 1 or node == last
        found = hashlib.sha256(b"\1" + (sibling + found if left else found + sibling)).digest()
        while left and node % 2 == 0 and node:
            node, last = node // 2, last // 2
        node, last = node // 2, last // 2
    check(last == 0, "a receipt's path is too short")
    return found


def check_receipt(receipt: dict[str, Any], keys: dict[str, Ed25519PublicKey]) -> None:
    """archiver/FORMAT.md, section 7."""
    check(receipt["format"] == "vanvault-receipt-v1", "unknown receipt format")
    body = {name: value for name, value in receipt.items() if name not in ("proof", "signature")}
    proof = receipt["proof"]
    check(proof["index"] == receipt["row"], "a receipt's proof is for another row")
    leaf = hashlib.sha256(b"\0" + canonical(body)).digest()
    top = base64.b64encode(root(leaf, proof["index"], proof["size"], proof["path"])).decode()
    text = f"vanvault receipts v1\n{receipt['archive']}\n{receipt['object']}\n{proof['size']}\n{top}\n"
    verify_signature(keys, receipt["signing_key"], receipt["signature"], text)


def check_members(file: zipfile.ZipFile, manifest: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Every member against the list of digests, and the list against the manifest."""
    listed = file.read("SHA256SUMS")
    check(hashlib.sha256(listed).hexdigest() == manifest["content"]["sha256"], "SHA256SUMS was changed")
    sums = [line.split("  ", 1) for line in listed.decode().splitlines()]
    wanted = sorted([name for _, name in sums] + ["SHA256SUMS", "manifest.json"])
    check(sorted(file.namelist()) == wanted, "the ZIP holds other files than SHA256SUMS names")
    found = {name: digests(file.open(name)) for _, name in sums}
    for sha256, name in sums:
        check(found[name][0] == sha256, f"{name} was changed")
    return found


def check_extraction(file: zipfile.ZipFile, body: dict[str, Any]) -> set[str] | None:
    """The form and the approval of it; the fields that an entry may have. None: no extraction, all fields."""
    if body["kind"] == "zip":
        return None
    told, read = body["extraction"], {}
    for name, digest in (("form", told["form_sha256"]), ("approval", told["approval"]["digest"])):
        raw = file.read(f"{name}.json")
        check(hashlib.sha256(raw).hexdigest() == digest, f"{name}.json is another than the manifest names")
        read[name] = json.loads(raw)
    form, subject = read["form"], read["approval"]["subject"]
    check((read["approval"]["act"], subject["form"]) == ("extraction", form), "another form was approved")
    check(subject["extraction"] == told["id"], "another extraction was approved")
    check(subject["count"] == body["counts"]["items"], "another number of entries was approved")
    same = all(told[name] == form[name] for name in ("fields", "letter", "recipient", "until"))
    check(same, "the manifest tells of another form")
    return {"id", "entry", *form["fields"]}


def verify(path: str, trusted: list[str]) -> str:
    """What was found whole, in a line. Raises for anything else."""
    with zipfile.ZipFile(path) as file:
        manifest = json.loads(raw := file.read("manifest.json"))
        check(canonical(manifest) == raw, "manifest.json is not in its canonical form")
        inside = [name for name in file.namelist() if name.startswith("keys/")]
        keys = dict(map(public_key, [Path(name).read_bytes() for name in trusted] or map(file.read, inside)))
        body = {name: value for name, value in manifest.items() if name != "signature"}
        known = body["format"] == "vanvault-export-v1" and body["kind"] in ("zip", "extraction")
        check(known, "unknown kind of export")
        text = f"vanvault export v1\n{body['archive']}\n{hashlib.sha256(canonical(body)).hexdigest()}\n"
        verify_signature(keys, body["signing_key"], manifest["signature"], text)
        found = check_members(file, manifest)
        granted = check_extraction(file, body)
        has = {name: granted is None or name in granted for name in ("original", "receipt")}
        originals = {name.split("/")[1].split(".")[0]: name for name in found if name[:10] == "originals/"}
        absent = {entry["id"] for entry in manifest["unreadable"] if "id" in entry}
        counts = {"items": 0, "messages": 0, "events": 0, "originals": 0}
        for item in map(json.loads, file.open("items.ndjson")):
            counts["items"] += 1
            counts[item["entry"] + "s"] += 1
            check(granted is None or set(item) <= granted, f"{item['id']}: fields that were not approved")
            told = item
            if has["receipt"]:
                told = json.loads(file.read(f"receipts/{item['id']}.json"))
                check_receipt(told, keys)
                names = [name for name in (*SHARED, item["entry"] + "_id") if not granted or name in item]
                same = all(told[name] == item[name] for name in names)
                check(same and told["archive"] == body["archive"], f"{item['id']}: another entry's receipt")
            claimed = (told.get("sha256"), told.get("sha512"))
            if item["entry"] == "event":
                if granted and not {*EVENT, "sha256", "sha512"} <= set(item):
                    continue
                data = canonical({name: item[name] for name in EVENT})
                event = (hashlib.sha256(data).hexdigest(), hashlib.sha512(data).hexdigest())
                check(event == claimed, f"{item['id']}: the event is not that of its receipt")
            elif has["original"] and item["id"] not in absent:
                first, second = found[originals[item["id"]]]
                same = claimed[0] in (None, first) and claimed[1] in (None, second)
                check(same, f"{item['id']}: not the original")
                counts["originals"] += 1
        check(counts == manifest["counts"], "the manifest counts other entries")
        check(len(originals) == counts["originals"], "there are originals of no entry")
        receipts = sum(name[:9] == "receipts/" for name in found)
        check(receipts == counts["items"] * has["receipt"], "receipts of no entry")
    lost = f"; {len(manifest['unreadable'])} UNREADABLE, see manifest.json" if manifest["unreadable"] else ""
    whose = "trusted" if trusted else "not trusted yet: they are from the ZIP, compare their ids"
    by = f"keys {', '.join(sorted(keys))} ({whose})"
    asked = f"; extraction {body['extraction']['id']}: {', '.join(sorted(granted))}" if granted else ""
    return f"good: {counts['items']} entries, {counts['originals']} originals{lost}{asked}; {by}"


def main(arguments: list[str]) -> int:
    try:
        sys.stdout.write(verify(arguments[0], arguments[1:]) + "\n" if arguments else __doc__ or "")
        return 0 if arguments else 1
    except Exception as error:  # noqa: BLE001 - what cannot be read, for whatever reason, is not whole
        sys.stdout.write(f"BAD: {error if isinstance(error, Bad) else repr(error)[:200]}\n")
        return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""Checks a VanVault export offline, with nothing but Python 3.8 or later.

    python3 verify.py                                   the unpacked folder in which this file lies
    python3 verify.py EXPORT.zip [PUBLIC_KEY.pem ...]   a ZIP, or a folder, with the keys that you trust
    python3 verify.py EXPORT.zip --report report.html   and what was checked, as a page (vi, en)

In this order: the manifest's signature; every file against the list of digests; of an extraction its form
and approval; every receipt's proof and signature; every entry and original against its receipt.
Without a key it believes those in the export, and says so.

It ends with 0: genuine (without a key that you trust: whole in itself, by whom is not checked); 1: not
genuine; 2: cannot check (no such file, too large, a key or format that it does not know). Its first line
begins with "good:", "BAD:" or "CANNOT CHECK:". Any other end, such as an error of Python itself, has checked
nothing.
"""

from __future__ import annotations

import abc
import argparse
import base64
import binascii
import functools
import hashlib
import html
import json
import os
import platform
import re
import stat
import sys
import zipfile
import zlib
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import IO, Any, Dict, Iterator, List, Optional, Set, Tuple

GENUINE, NOT_GENUINE, CANNOT_CHECK = 0, 1, 2

BUSINESS = "transaction_id ivan employer_code tax_code insurance_numbers dossier_number procedure period"
EVENT = f"actor detail event_id gateway message_id occurred_at type kind state agency {BUSINESS}".split()
SHARED = ("id", "gateway", "size", "sha256", "sha512", "received_at", "object", "row")

MIB = 2**20
#: What is read into memory, in bytes: far more than an export has.
MOST = {"manifest": 64 * MIB, "receipts": MIB, "keys": MIB // 64, "form": 4 * MIB, "approval": 16 * MIB}
MOST_LINE = 16 * MIB
MOST_ORIGINAL = 1024 * MIB + MIB  # the archive takes none above 1 GiB
#: A ZIP may unpack to so many times its size, and some; more only with --large.
MOST_RATIO, SOME = 200, 4096 * MIB
#: Bytes after a member's data: none, or the sizes that a ZIP made as a stream has there.
PACKED: Tuple[int, ...] = (0,)
DESCRIBED: Tuple[int, ...] = (12, 16, 20, 24)
NAME = re.compile(r"(?:[a-z]{1,20}/)?[A-Za-z0-9][A-Za-z0-9._-]{0,150}")
FOLDERS = ("originals", "receipts", "keys", "copies")
#: What systems leave in folders by themselves.
LEFT_BY_SYSTEMS = (".DS_Store", "Thumbs.db", "desktop.ini")

Keys = Dict[str, bytes]


class Bad(Exception):
    """Not genuine."""


class Unable(Exception):
    """Neither genuine nor not: it cannot be checked here."""


def check(holds: bool, what: str) -> None:
    if not holds:
        raise Bad(what)


# Signatures: Ed25519 (RFC 8032, section 5.1.7), without the cofactor, and without keys of a small order.

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)
DER = bytes.fromhex("302a300506032b6570032100")  # RFC 8410: what stands before the 32 bytes of a public key
Point = Tuple[int, int, int, int]
ZERO: Point = (0, 1, 1, 0)


def point(encoded: bytes) -> Optional[Point]:
    """RFC 8032, 5.1.3. None: no point, or not in its only spelling."""
    number = int.from_bytes(encoded, "little")
    odd, y = number >> 255, number & (2**255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_1 % P
    if len(encoded) != 32 or y >= P or (x * x - square) % P or (x == 0 and odd):
        return None
    x = P - x if x % 2 != odd else x
    return x, y, 1, x * y % P


def plus(one: Point, two: Point) -> Point:
    """RFC 8032, 5.1.4; it doubles as well."""
    a = (one[1] - one[0]) * (two[1] - two[0])
    b = (one[1] + one[0]) * (two[1] + two[0])
    c, d = 2 * one[3] * two[3] * D, 2 * one[2] * two[2]
    e, f, g, h = (b - a) % P, (d - c) % P, (d + c) % P, (b + a) % P
    return e * f % P, g * h % P, f * g % P, e * h % P


def minus(one: Point) -> Point:
    return -one[0] % P, one[1], one[2], -one[3] % P


def equal(one: Point, two: Point) -> bool:
    return (one[0] * two[2] - two[0] * one[2]) % P == 0 and (one[1] * two[2] - two[1] * one[2]) % P == 0


def small(one: Point) -> bool:
    """One of the eight points with which anybody can make a signature of anything."""
    for _ in range(3):
        one = plus(one, one)
    return equal(one, ZERO)


BASE = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little")) or ZERO


def holds_in_python(key: Point, first: Point, second: int, hashed: int) -> bool:
    """Is second * BASE - hashed * key the first half of the signature?"""
    sums = (ZERO, BASE, minus(key), plus(BASE, minus(key)))
    found = ZERO
    for bit in range(252, -1, -1):
        found = plus(found, found)
        which = (second >> bit & 1) + 2 * (hashed >> bit & 1)
        found = plus(found, sums[which]) if which else found
    return equal(found, first)


def library() -> Any:
    """The same check in C, where ``cryptography`` is installed: some times faster."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except Exception:  # noqa: BLE001 - absent, or broken in whatever way: Python alone does as well
        return None
    return Ed25519PublicKey.from_public_bytes, InvalidSignature


@functools.lru_cache(maxsize=4096)
def signature_holds(key: bytes, signature: bytes, text: bytes, plain: bool = False) -> bool:
    """``plain``: in Python alone. What is refused before the one is refused before the other."""
    if len(key) != 32 or len(signature) != 64:
        return False
    of_key, first, second = point(key), point(signature[:32]), int.from_bytes(signature[32:], "little")
    if of_key is None or first is None or second >= ORDER or small(of_key) or small(first):
        return False
    fast = None if plain else library()
    if fast:
        try:
            fast[0](key).verify(signature, text)
            return True
        except fast[1]:
            return False
        except Exception:  # noqa: BLE001 - it has no Ed25519, as in FIPS mode: Python alone does as well
            fast = None
    hashed = int.from_bytes(hashlib.sha512(signature[:32] + key + text).digest(), "little") % ORDER
    return holds_in_python(of_key, first, second, hashed)


def public_key(pem: bytes) -> Tuple[str, bytes]:
    """Id and 32 bytes of a key in PEM (RFC 7468, RFC 8410)."""
    found = re.search(rb"-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----", pem)
    der = base64.b64decode(b"".join(found.group(1).split()), validate=True) if found else b""
    check(der[:12] == DER and len(der) == 44, "a public key is not an Ed25519 key")
    return hashlib.sha256(der[12:]).digest()[:8].hex(), der[12:]


def verify_signature(keys: Keys, key_id: str, signature: str, text: str) -> None:
    check(key_id in keys, f"signed by {key_id}, which is not among the trusted keys")
    raw = base64.b64decode(signature, validate=True)
    check(signature_holds(keys[key_id], raw, text.encode()), "a signature does not hold")


# Files: of a ZIP or of a folder. Both are believed nothing: neither names nor sizes.


def digests(file: IO[bytes]) -> Tuple[str, str]:
    sha256, sha512 = hashlib.sha256(), hashlib.sha512()
    for chunk in iter(lambda: file.read(MIB), b""):
        sha256.update(chunk)
        sha512.update(chunk)
    return sha256.hexdigest(), sha512.hexdigest()


def seen(name: str) -> str:
    """A name from outside, as it may be shown."""
    return ascii(name)[:80]


class Files(abc.ABC):
    """What an export holds, by name; ``notes``: what else lies there."""

    def __init__(self) -> None:
        self.names: List[str] = []
        self.notes: List[str] = []

    @abc.abstractmethod
    def open(self, name: str) -> IO[bytes]:
        """The bytes of one file; an error ends the check."""

    def read(self, name: str) -> bytes:
        most = MOST[name.split("/")[0].split(".")[0]]
        with self.open(name) as file:
            data = file.read(most + 1)
        if len(data) > most:
            raise Unable(f"{name} has more than {most} bytes")
        return data

    def lines(self, name: str) -> Iterator[bytes]:
        with self.open(name) as file:
            for line in iter(lambda: file.readline(MOST_LINE + 1), b""):
                if len(line) > MOST_LINE:
                    raise Unable(f"{name} has a line of more than {MOST_LINE} bytes")
                yield line


def header_size(path: Path, offset: int) -> int:
    """Bytes of a member's local header, which has other extra fields than the directory tells of."""
    with path.open("rb") as file:
        file.seek(offset)
        head = file.read(30)
    return 30 + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")


class Zipped(Files):
    """Members of a ZIP, never unpacked to a disk."""

    def __init__(self, path: Path, large: bool) -> None:
        super().__init__()
        self.file = zipfile.ZipFile(path)
        infos = self.file.infolist()
        end, between = 0, PACKED
        for info in sorted(infos, key=lambda one: one.header_offset):
            name = seen(info.filename)
            check(NAME.fullmatch(info.filename) is not None, f"no export has a file of the name {name}")
            check(stat.S_IFMT(info.external_attr >> 16) in (0, stat.S_IFREG), f"{name} is a link, not a file")
            plain = info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
            check(plain and not info.flag_bits & 1, f"{name} is encrypted, or packed as no export is")
            check(info.header_offset >= end, f"{name} overlaps another file in the ZIP")
            check(info.header_offset - end in between, f"before {name} there are bytes that are no file's")
            end = info.header_offset + header_size(path, info.header_offset) + info.compress_size
            check(end <= self.file.start_dir, f"{name} overlaps the directory of the ZIP")
            between = DESCRIBED if info.flag_bits & 8 else PACKED
            if info.filename.startswith("originals/") and info.file_size > MOST_ORIGINAL:
                raise Unable(f"{name} unpacks to {info.file_size} bytes")
        check(self.file.start_dir - end in between, "before the directory there are bytes that are no file's")
        size, unpacked = path.stat().st_size, sum(info.file_size for info in infos)
        if unpacked > MOST_RATIO * size + SOME and not large:
            raise Unable(f"it unpacks from {size} to {unpacked} bytes; if you expect that, add --large")
        self.names = [info.filename for info in infos]
        folded = {name.lower() for name in self.names}
        check(len(folded) == len(self.names), "the ZIP holds two files of the same name")

    def open(self, name: str) -> IO[bytes]:
        return self.file.open(name)


class Unpacked(Files):
    """Files of a folder; what the user put beside them is named, and otherwise left alone."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        for folder in ("", *FOLDERS):
            if folder and not os.path.lexists(path / folder):
                continue
            check(not folder or not (path / folder).is_symlink(), f"{folder} is a link, not a folder")
            for entry in os.scandir(path / folder):
                if entry.name in LEFT_BY_SYSTEMS or (not folder and entry.name in FOLDERS):
                    continue
                name = f"{folder}/{entry.name}" if folder else entry.name
                plain = entry.is_file(follow_symlinks=False)
                check(not folder or plain, f"{seen(name)} is a link or a folder, not a file")
                if plain:
                    self.names.append(name)
                else:
                    self.notes.append(f"{seen(name)} is not a part of the export")

    def open(self, name: str) -> IO[bytes]:
        check(name in self.names, f"{seen(name)} is missing")
        return (self.path / name).open("rb")


# What the files say.


def canonical(value: object) -> bytes:
    """RFC 8785, for the texts, whole numbers and lists of a manifest or receipt."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def parsed(raw: bytes) -> Any:
    """JSON in which no name stands twice: every reader sees the same."""

    def once(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
        check(len(dict(pairs)) == len(pairs), "a name stands twice in a JSON object")
        return dict(pairs)

    return json.loads(raw.decode(), object_pairs_hook=once)


def root(leaf: bytes, index: int, size: int, path: List[str]) -> bytes:
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


def check_receipt(receipt: Dict[str, Any], keys: Keys) -> None:
    """archiver/FORMAT.md, section 7."""
    check(receipt["format"] == "vanvault-receipt-v1", "unknown receipt format")
    body = {name: value for name, value in receipt.items() if name not in ("proof", "signature")}
    proof = receipt["proof"]
    check(proof["index"] == receipt["row"], "a receipt's proof is for another row")
    leaf = hashlib.sha256(b"\0" + canonical(body)).digest()
    top = base64.b64encode(root(leaf, proof["index"], proof["size"], proof["path"])).decode()
    text = f"vanvault receipts v1\n{receipt['archive']}\n{receipt['object']}\n{proof['size']}\n{top}\n"
    verify_signature(keys, receipt["signing_key"], receipt["signature"], text)


def check_manifest(manifest: Dict[str, Any], raw: bytes, keys: Keys) -> None:
    check(canonical(manifest) == raw, "manifest.json is not in its canonical form")
    body = {name: value for name, value in manifest.items() if name != "signature"}
    if body["format"] != "vanvault-export-v1" or body["kind"] not in ("zip", "extraction"):
        raise Unable("the export is of a kind that this verifier does not know; take a newer one")
    text = f"vanvault export v1\n{body['archive']}\n{hashlib.sha256(canonical(body)).hexdigest()}\n"
    verify_signature(keys, body["signing_key"], manifest["signature"], text)


def check_members(files: Files, manifest: Dict[str, Any]) -> Dict[str, Tuple[str, str]]:
    """Every file against the list of digests, and the list against the manifest."""
    with files.open("SHA256SUMS") as file:
        check(digests(file)[0] == manifest["content"]["sha256"], "SHA256SUMS was changed")
    wanted: Dict[str, str] = {}
    for line in files.lines("SHA256SUMS"):
        sha256, _, name = line.decode().rstrip("\n").partition("  ")
        check(NAME.fullmatch(name) is not None, f"no export has a file of the name {seen(name)}")
        check(name not in wanted, f"SHA256SUMS names {seen(name)} twice")
        wanted[name] = sha256
    more = set(files.names) - {*wanted, "SHA256SUMS", "manifest.json"}
    if isinstance(files, Unpacked):  # a report or a key that the user put there
        beside = sorted(name for name in more if "/" not in name)
        files.notes += [f"{seen(name)} is not a part of the export" for name in beside]
        more -= set(beside)
    check(not more, f"{seen(min(more, default=''))} is a file that SHA256SUMS does not name")
    missing = set(wanted) - set(files.names)
    check(not missing, f"{min(missing, default='')} is missing")
    found: Dict[str, Tuple[str, str]] = {}
    for name, sha256 in wanted.items():
        with files.open(name) as file:
            found[name] = digests(file)
        check(found[name][0] == sha256, f"{name} was changed")
    return found


def check_extraction(files: Files, body: Dict[str, Any]) -> Optional[Set[str]]:
    """The form and the approval of it; the fields that an entry may have. None: no extraction, all fields."""
    if body["kind"] == "zip":
        return None
    told, read = body["extraction"], {}
    for name, digest in (("form", told["form_sha256"]), ("approval", told["approval"]["digest"])):
        raw = files.read(f"{name}.json")
        check(hashlib.sha256(raw).hexdigest() == digest, f"{name}.json is another than the manifest names")
        read[name] = parsed(raw)
    form, subject = read["form"], read["approval"]["subject"]
    check((read["approval"]["act"], subject["form"]) == ("extraction", form), "another form was approved")
    check(subject["extraction"] == told["id"], "another extraction was approved")
    check(subject["count"] == body["counts"]["items"], "another number of entries was approved")
    same = all(told[name] == form[name] for name in ("fields", "letter", "recipient", "until"))
    check(same, "the manifest tells of another form")
    return {"id", "entry", *form["fields"]}


def check_entries(
    files: Files,
    manifest: Dict[str, Any],
    found: Dict[str, Tuple[str, str]],
    granted: Optional[Set[str]],
    keys: Keys,
) -> Dict[str, int]:
    """Every entry against its receipt, and every original; how many there are."""
    has = {name: granted is None or name in granted for name in ("original", "receipt")}
    originals = {name.split("/")[1].split(".")[0]: name for name in found if name[:10] == "originals/"}
    absent = {entry["id"] for entry in manifest["unreadable"] if "id" in entry}
    counts = {"items": 0, "messages": 0, "events": 0, "originals": 0}
    for item in map(parsed, files.lines("items.ndjson")):
        counts["items"] += 1
        counts[item["entry"] + "s"] += 1
        check(granted is None or set(item) <= granted, f"{item['id']}: fields that were not approved")
        told = item
        if has["receipt"]:
            raw = files.read(f"receipts/{item['id']}.json")
            told = parsed(raw)
            check(canonical(told) == raw, f"{item['id']}: a receipt is not in its canonical form")
            check_receipt(told, keys)
            names = [name for name in (*SHARED, item["entry"] + "_id") if not granted or name in item]
            same = all(told[name] == item[name] for name in names)
            check(same and told["archive"] == manifest["archive"], f"{item['id']}: another entry's receipt")
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
    return counts


class Findings:
    """What is known of an export so far, for the report."""

    def __init__(self) -> None:
        self.manifest: Dict[str, Any] = {}  # empty until its signature held
        self.keys: Keys = {}
        self.trusted = False
        self.passed: List[str] = []
        self.notes: List[str] = []


def trusted_keys(names: List[str]) -> Keys:
    """The keys that the user gave. Raises Unable: one cannot be read."""
    try:
        return dict(public_key(Path(name).read_bytes()) for name in names)
    except (Bad, OSError, ValueError) as error:
        raise Unable(f"a key that you gave cannot be read: {error}") from error


def verify(path: str, trusted: List[str], told: Optional[Findings] = None, large: bool = False) -> str:
    """What was found whole, in a line. Raises Bad, Unable, OSError, or whatever a malformed file causes."""
    told = told or Findings()
    given = trusted_keys(trusted)
    files: Files = Unpacked(Path(path)) if Path(path).is_dir() else Zipped(Path(path), large)
    told.notes = files.notes
    told.trusted = bool(given)
    inside = [name for name in files.names if name.startswith("keys/")]
    told.keys = keys = given or dict(public_key(files.read(name)) for name in inside)
    raw = files.read("manifest.json")
    manifest = parsed(raw)
    check_manifest(manifest, raw, keys)
    told.manifest = manifest
    told.passed.append("manifest")
    found = check_members(files, manifest)
    told.passed.append("files")
    granted = check_extraction(files, manifest)
    told.passed += ["approval"] if granted else []
    counts = check_entries(files, manifest, found, granted, keys)
    told.passed.append("entries")
    lost = f"; {len(manifest['unreadable'])} UNREADABLE, see manifest.json" if manifest["unreadable"] else ""
    whose = "trusted" if trusted else "not trusted yet: they are from the export, compare their ids"
    by = f"keys {', '.join(sorted(keys))} ({whose})"
    asked = f"; extraction {manifest['extraction']['id']}: {', '.join(sorted(granted))}" if granted else ""
    return f"good: {counts['items']} entries, {counts['originals']} originals{lost}{asked}; {by}"


# The report: one page in Vietnamese and English, with all that stands on it escaped.

VERDICTS = {
    GENUINE: (
        "NGUYÊN VẸN: không có gì bị thay đổi, thiếu hoặc thừa kể từ khi kho lưu trữ ký.",
        "GENUINE: nothing was changed, is missing or was added since the archive signed it.",
    ),
    NOT_GENUINE: (
        "KHÔNG NGUYÊN VẸN: có nội dung không khớp với những gì kho lưu trữ đã ký.",
        "NOT GENUINE: something is not what the archive signed.",
    ),
    CANNOT_CHECK: (
        "KHÔNG KIỂM TRA ĐƯỢC: chưa thể kết luận tệp này nguyên vẹn hay không.",
        "CANNOT CHECK: this says neither that it is genuine nor that it is not.",
    ),
}
STEPS = {
    "manifest": (
        "Bản kê (manifest.json) mang chữ ký đúng của khóa nêu dưới đây",
        "The manifest bears a signature that holds, by a key named below",
    ),
    "files": (
        "Mỗi tệp đúng với SHA-256 trong danh sách; không thiếu, không thừa tệp nào",
        "Each file has the SHA-256 of the list; none is missing, none is too many",
    ),
    "approval": (
        "Mẫu yêu cầu, phê duyệt, trường thông tin và số bản ghi khớp nhau",
        "Form, approval, fields and number of entries are one story",
    ),
    "entries": (
        "Biên nhận, sự kiện và bản gốc khớp nhau; chữ ký của mọi biên nhận đúng; số lượng đúng",
        "Receipts, events and originals fit; the signature of each receipt holds; the counts are right",
    ),
}
LIMITS = (
    "Việc kiểm tra không chứng minh đồng hồ của kho lưu trữ là đúng, nội dung hồ sơ là đúng, hay ngoài các"
    " bản ghi này không còn bản ghi nào khác. Thông tin không có trong biên nhận chỉ được bảo đảm bằng chữ"
    " ký của bản kê.",
    "The check does not prove that the archive's clock was right, that what a dossier says is true, or that"
    " there are no further entries. What a receipt does not state is bound by the manifest's signature"
    " alone.",
)
#: In place of the first verdict, where no key was given: then it may be of anybody.
UNTRUSTED = (
    "KHỚP VỚI CHÍNH NÓ, CHƯA XÁC NHẬN NGUỒN GỐC: các khóa lấy từ chính tệp này, mà ai làm được tệp thì cũng"
    " làm được khóa. Hãy kiểm tra lại với khóa công khai do đơn vị vận hành công bố.",
    "WHOLE IN ITSELF, BY WHOM IS NOT CHECKED: the keys come from the export itself, and whoever can make an"
    " export can make keys. Check it again with the public key that the operator published.",
)
STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse;width:100%}"
    "th,td{border:1px solid;padding:.3em .6em;text-align:left;vertical-align:top;overflow-wrap:anywhere}"
    "th{width:32%}.steps th{width:75%;font-weight:normal}"
    ".verdict{border:3px solid;padding:.6em;font-weight:bold}"
)


def verdict(code: int, told: Findings) -> Tuple[str, str]:
    return UNTRUSTED if code == GENUINE and not told.trusted else VERDICTS[code]


def both_times(text: object) -> str:
    """A time of the archive (RFC 3339, UTC) in Vietnam and in UTC."""
    try:
        utc = datetime.strptime(str(text)[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    except ValueError:
        return str(text)
    local = utc.astimezone(timezone(timedelta(hours=7)))
    return f"{local:%H:%M:%S %d/%m/%Y} (UTC+7) = {utc:%Y-%m-%d %H:%M:%S} UTC"


def page(path: str, code: int, line: str, told: Findings) -> str:
    """The report as HTML."""

    def row(name: str, value: object) -> str:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
        shown = "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text[:4000])
        return f'<tr><th scope="row">{html.escape(name)}</th><td>{html.escape(shown)}</td></tr>'

    def paragraph(texts: Tuple[str, str], style: str = "") -> str:
        vi, en = map(html.escape, texts)
        return f'<p class="{style}" lang="vi">{vi}</p><p class="{style}" lang="en">{en}</p>'

    body = told.manifest
    rows = [row("Tệp / File", Path(path).resolve().name)]
    if Path(path).is_file():
        with Path(path).open("rb") as file:
            rows += [row("SHA-256", digests(file)[0]), row("Kích thước / Bytes", Path(path).stat().st_size)]
    names = (
        ("Kho lưu trữ / Archive", "archive"), ("Mã tệp xuất / Export", "export"), ("Người lấy / By", "who"),
        ("Lý do / Reason", "reason"), ("Điều kiện tìm / Filter", "filter"), ("Số lượng / Counts", "counts"),
        ("Bắt đầu / Begun", "started_at"), ("Kết thúc / Finished", "finished_at"),
        ("Trích xuất / Extraction", "extraction"), ("Không được xem / Withheld", "withheld"),
        ("Đã tiêu hủy / Disposed of", "disposed"),
    )  # fmt: skip
    for name, field in names:
        if field in body:
            rows.append(row(name, both_times(body[field]) if field.endswith("_at") else body[field]))
    if body:
        lost = body["unreadable"]
        shown = [*lost[:20], "..."] if len(lost) > 20 else lost
        rows.append(row("Không đọc được / Unreadable", shown or "không có / none"))
    for key_id, key in sorted(told.keys.items()):
        rows.append(row(f"Khóa / Key {key_id}", "SHA-256 " + hashlib.sha256(key).hexdigest()))
    way = "Python" if library() is None else "Python, cryptography"
    rows.append(row("Cách kiểm tra / Checked with", f"{way} {platform.python_version()}"))
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    rows.append(row("Đồng hồ máy này / This machine's clock", both_times(now)))
    rows += [row("Lưu ý / Note", note) for note in told.notes[:20]]
    steps = []
    for step, (vi, en) in STEPS.items():
        if step == "approval" and body and body["kind"] == "zip":
            continue
        state = "đúng / holds" if step in told.passed else "không đúng hoặc chưa kiểm / fails, or not reached"
        steps.append(row(f"{vi} / {en}", state))
    head = (
        '<!DOCTYPE html><html lang="vi"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="'
        "default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>VanVault: kết quả kiểm tra</title><style>{STYLE}</style></head><body><main>"
    )
    parts = [
        head,
        "<h1>Kết quả kiểm tra tệp xuất / Check of an export</h1>",
        paragraph(verdict(code, told), "verdict"),
    ]
    parts += [f"<p>{html.escape(line)}</p><h2>Đã kiểm tra / Checked</h2>"]
    parts += [f'<table class="steps">{"".join(steps)}</table>']
    parts += [f"<h2>Tệp xuất / The export</h2><table>{''.join(rows)}</table>", paragraph(LIMITS)]
    return "".join(parts) + "</main></body></html>\n"


def checked(path: str, keys: List[str], told: Findings, large: bool) -> Tuple[int, str]:
    """The exit code, and the line that says why."""
    try:
        return GENUINE, verify(path, keys, told, large)
    except Bad as error:
        return NOT_GENUINE, f"BAD: {error}"
    except (Unable, OSError, MemoryError) as error:
        return CANNOT_CHECK, f"CANNOT CHECK: {str(error) or type(error).__name__}"
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        return NOT_GENUINE, f"BAD: it is no whole ZIP: {error}"
    except (KeyError, binascii.Error) as error:
        return NOT_GENUINE, f"BAD: something that an export has is not there: {error!r:.200}"
    except Exception as error:  # noqa: BLE001 - what cannot be read, for whatever reason, is not whole
        return NOT_GENUINE, f"BAD: {error!r:.200}"


def main(arguments: List[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="verify.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("export", nargs="?", help="a ZIP, or a folder (default: where this file lies)")
    parser.add_argument("keys", nargs="*", help="public keys that you trust (PEM)")
    parser.add_argument("--report", help="write what was checked to this file (HTML), which must not exist")
    parser.add_argument("--large", action="store_true", help="unpack also what is very large")
    given = parser.parse_args(arguments)
    told = Findings()
    path = given.export or str(Path(__file__).resolve().parent)
    if not given.export and not (Path(path) / "manifest.json").is_file():
        code, line = CANNOT_CHECK, "CANNOT CHECK: there is no export here: name a ZIP or a folder"
    elif given.report and os.path.lexists(given.report):
        code, line = CANNOT_CHECK, f"CANNOT CHECK: {seen(given.report)} exists; give the report another name"
    else:
        code, line = checked(path, given.keys, told, given.large)
        try:
            if given.report:
                with Path(given.report).open("x", encoding="utf-8", newline="\n") as file:
                    file.write(page(path, code, line, told))
        except OSError as error:
            code = code or CANNOT_CHECK
            line = f"CANNOT CHECK: the report cannot be written: {error} ({line})"
    for text in (line, *told.notes[:20], verdict(code, told)[0]):
        shown = text.encode(sys.stdout.encoding or "ascii", "backslashreplace")
        sys.stdout.write(shown.decode(sys.stdout.encoding or "ascii") + "\n")
    return code


if __name__ == "__main__":
    if sys.version_info < (3, 8):
        sys.stdout.write("CANNOT CHECK: this needs Python 3.8 or later\n")
        raise SystemExit(CANNOT_CHECK)
    raise SystemExit(main(sys.argv[1:]))

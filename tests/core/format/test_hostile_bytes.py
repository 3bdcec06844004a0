"""Whatever a site shows is read without a crash: names, footers, headers, manifests, framed objects.

A stranger writes these bytes. Each reader gives a value of its own types or one of the public errors, and
takes no memory that the bytes merely speak of.
"""

from __future__ import annotations

import base64
import resource
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.support.clocks import ManualClock
from tests.support.key_ring import KeyRing

from vanvault.archiver.core.errors import Damaged, InvalidInput, KeyUnavailable
from vanvault.archiver.core.format.batches import decode_commit, decode_header
from vanvault.archiver.core.format.batches.batch import encode_header
from vanvault.archiver.core.format.encrypted import MAGIC, key_material, opened
from vanvault.archiver.core.format.framed import FramedHeader, open_framed, read_header, unpacked
from vanvault.archiver.core.format.segments import decode_manifest, load_manifest
from vanvault.archiver.core.key_port import WrappedKey
from vanvault.archiver.core.model import BatchHeader, Commit, Placement, SegmentManifest
from vanvault.archiver.core.names import digest_in, parse_archive_id, parse_key
from vanvault.archiver.stores import FileSite, folder_of, printable
from vanvault.archiver.stores.files.layout import parse_file_name, parse_version

#: Texts near what is right, and far from it.
CHARACTERS = st.sampled_from("batchlrgesmnu/0123456789abcdef-.~TZ\x00\x1b\n\u202e\udcff\u0663é ")
NEARLY = st.text(CHARACTERS, max_size=300)
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | NEARLY
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NEARLY, inner, max_size=4),
    max_leaves=12,
)
#: No reader takes more than this of address space for a few hundred bytes.
SMALL = 256 * 2**20


def dumped(value: object) -> bytes:
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:  # a surrogate, which no JSON holds
        return repr(value).encode("utf-8", "backslashreplace")


def changed(fields: dict[str, Any]) -> st.SearchStrategy[bytes]:
    """The JSON of ``fields`` with one of them lost or replaced by anything; or with bytes of it changed."""
    names = st.sampled_from(sorted(fields))
    replaced = st.tuples(names, JSON).map(lambda change: dumped({**fields, change[0]: change[1]}))
    lost = names.map(lambda name: dumped({key: value for key, value in fields.items() if key != name}))
    cut = st.integers(0, 400).map(lambda length: dumped(fields)[:length])
    return replaced | lost | cut | JSON.map(dumped) | st.binary(max_size=60)


HEADER = BatchHeader(
    archive="archive-1",
    writer="1m80yt0rdsqw5e1d",
    sequence=1,
    kind="messages",
    created_us=5,
    retain_until="2037-11-23T00:00:00Z",
    rows=1,
    previous="ab" * 32,
    commits=(Commit("k", (Placement("primary", "k", "v", "2037-11-23T00:00:00Z"),), "id", b"s" * 64),),
    heads=("k",),
    final=False,
    large=(Placement("primary", "l", "v", "2037-11-23T00:00:00Z"),),
)
MANIFEST = {
    "archive": "archive-1",
    "bytes": 5,
    "covers": [{"first": 0, "last": 1, "writer": "1m80yt0rdsqw5e1d"}],
    "created_us": 5,
    "day": "2026-11-21",
    "events": 1,
    "first_us": 1,
    "format": "vanvault-segment-v1",
    "last_us": 2,
    "messages": 1,
    "parts": [{"key": "k", "kind": "log", "retain_until": "2037-11-23T00:00:00Z", "rows": 2, "size": 9}],
    "segment": "1m80yt0rdsqw5e1d",
    "signature": "00",
    "signing_key": "ab",
}
MATERIAL = {
    "keyMaterialType": "PKMT1",
    "internalStorage": True,
    "isFooterKey": True,
    "kmsInstanceID": "DEFAULT",
    "kmsInstanceURL": "DEFAULT",
    "masterKeyID": "log/1",
    "wrappedDEK": base64.b64encode(bytes(61)).decode(),
    "doubleWrapping": False,
}


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def tail_of(material: bytes, told: int | None = None) -> bytes:
    """An encrypted Parquet file of which only the key metadata make sense; ``told``: their length."""
    crypto = b"\x1c\x1c\x00\x00\x18" + varint(len(material) if told is None else told) + material + b"\x00"
    return MAGIC + crypto + len(crypto).to_bytes(4, "little") + MAGIC


TAILS = (
    changed(MATERIAL).map(tail_of)
    | st.tuples(changed(MATERIAL), st.integers(0, 2**70)).map(lambda both: tail_of(*both))
    | st.binary(max_size=200).map(lambda body: MAGIC + body + len(body).to_bytes(4, "little") + MAGIC)
    | st.tuples(st.binary(max_size=80), st.integers(0, 2**32 - 1)).map(
        lambda both: MAGIC + both[0] + both[1].to_bytes(4, "little") + MAGIC
    )
    | st.binary(max_size=80)
)


def nobody(key_id: str) -> Ed25519PublicKey:
    raise KeyUnavailable(f"there is no key {key_id[:10]!r}")


@pytest.fixture(autouse=True, scope="module")
def bounded() -> Any:
    """What a reader asks for beyond its share of address space is refused to it, and the test fails."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + 8 * SMALL, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@given(NEARLY)
@example("batch/" + "0" * 400)
def test_any_name_is_a_name_with_one_spelling_or_none(text: str) -> None:
    name = parse_key(text)
    assert name is None or name.key == text
    assert digest_in(text) is None or len(digest_in(text) or b"") == 32
    assert printable(text).isascii()
    with_suppressed(parse_archive_id, text)


@given(NEARLY, NEARLY)
def test_any_file_of_a_site_is_a_version_a_marker_or_neither(text: str, shard: str) -> None:
    found = parse_file_name(text, shard)
    assert found is None or found.retain_until.tzinfo is not None
    parse_version(text)


@given(TAILS)
@example(tail_of(b"[" * 4000))
@example(MAGIC + b"\x1c" * 500 + (500).to_bytes(4, "little") + MAGIC)
def test_any_key_material_is_read_or_damaged(data: bytes) -> None:
    try:
        found = key_material(data)
    except Damaged:
        return
    assert isinstance(found.key_id, str)
    assert isinstance(found.wrapped, bytes)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    return KeyRing.create(tmp_path_factory.mktemp("keys"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TAILS)
@example(tail_of(b"", 2**31 - 1))
@example(MAGIC + b"\x19\xff\xff\xff\xff\x7f" + b"\x00" * 90 + (96).to_bytes(4, "little") + MAGIC)
def test_any_footer_is_refused_without_the_memory_that_it_speaks_of(keys: KeyRing, data: bytes) -> None:
    key = keys.key_of(data, "messages")
    with pytest.raises((Damaged, KeyUnavailable)), opened(data, keys.parquet, key) as file:
        file.read(use_threads=False)


@given(changed(orjson.loads(encode_header(HEADER))))
@example(b"[" * 100_000)
@example(b'{"format":1,"format":2}')
def test_any_batch_header_has_the_types_of_one_or_is_damaged(data: bytes) -> None:
    try:
        header = decode_header(data, key="k")
    except Damaged:
        return
    texts = [header.archive, header.writer, header.kind, header.retain_until, header.previous, *header.heads]
    placements = [*header.large, *(copy for commit in header.commits for copy in commit.placements)]
    texts += [text for copy in placements for text in (copy.site, copy.key, copy.version, copy.retain_until)]
    texts += [text for commit in header.commits for text in (commit.key, commit.signing_key)]
    assert all(isinstance(text, str) for text in texts)
    assert all(type(number) is int for number in (header.sequence, header.created_us, header.rows))
    assert isinstance(header.final, bool)


@given(changed(orjson.loads(encode_header(HEADER))["commits"][0]))
def test_any_commit_record_is_one_or_has_another_shape(data: bytes) -> None:
    try:
        fields = orjson.loads(data)
    except ValueError:
        return
    try:
        commit = decode_commit(fields)
    except (KeyError, TypeError, ValueError):
        return
    assert isinstance(commit.key, str)
    assert isinstance(commit.signature, bytes)


@given(changed(MANIFEST))
@example(b"[" * 100_000)
@example(dumped({**MANIFEST, "rows": 1, "messages": float("1e308")}))
@example(dumped(MANIFEST).replace(b'"messages":1', b'"messages":' + b"9" * 5000))
def test_any_manifest_is_one_or_damaged(data: bytes) -> None:
    with_suppressed(lambda text: decode_manifest(text, nobody, key="k"), data)
    try:
        manifest = load_manifest(data, key="k")
    except Damaged:
        return
    assert isinstance(manifest, SegmentManifest)


@given(st.binary(max_size=400) | st.binary(max_size=300).map(lambda rest: b"VVFRAME1" + rest))
def test_any_framed_object_is_damaged_or_needs_a_key(data: bytes) -> None:
    with pytest.raises((Damaged, KeyUnavailable)):
        open_framed(data, lambda key: nobody(key.key_id).public_bytes_raw())


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1))
@example(2**63, 2**63, 1)
def test_a_framed_header_takes_no_memory_by_what_it_says(body: int, size: int, frame: int) -> None:
    data = b"VVFRAME1\x01prefix7" + frame.to_bytes(4) + body.to_bytes(8) + size.to_bytes(8)
    data += b"\x0boriginals/1" + b"\x3d" + bytes(61)
    with_suppressed(read_header, data)
    with pytest.raises((Damaged, KeyUnavailable)):
        open_framed(data, lambda key: nobody(key.key_id).public_bytes_raw())


def test_a_size_within_a_framed_object_is_bounded_though_its_writer_had_the_key() -> None:
    """A body that says it unpacks to more than any message is refused before room is made for it."""
    header = FramedHeader(WrappedKey("originals/1", bytes(61)), b"prefix7", 2**20, 9, 2**40, "zstd")
    with pytest.raises(Damaged, match="more than any message"):
        unpacked(header, b"123456789")


@given(st.lists(NEARLY.filter(lambda name: name not in ("", ".", "..") and "/" not in name), max_size=6))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_files_in_a_site_are_listed_or_strays(tmp_path_factory: Any, names: list[str]) -> None:
    root = tmp_path_factory.mktemp("site")
    clock = ManualClock()
    FileSite.create(root, "primary", archive="a", clock=clock)
    folder = root / "objects" / folder_of("batch/1m80yt0rdsqw5e1d/0000000000-x")
    folder.mkdir(parents=True)
    put = set()
    for name in names:
        if "\x00" not in name and len(name.encode("utf-8", "surrogateescape")) <= 255:
            (folder / name.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")).touch()
            put.add(name)
    site = FileSite(root, "primary", clock=clock)
    strays = [stray.path for stray in site.strays()]
    assert len(list(site.list())) + len(strays) >= len(put) > -1
    assert all(path.isascii() and path.isprintable() for path in strays)
    site.close()


def with_suppressed(read: Any, value: Any) -> None:
    with suppress(Damaged, InvalidInput, KeyUnavailable):
        read(value)

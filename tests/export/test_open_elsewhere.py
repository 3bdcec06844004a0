"""What docs/open-elsewhere.md promises: DuckDB and pyarrow open the files with the data key alone."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pytest

from tests.support.archives import Node, event, message
from tests.support.command import json_of, run_cli
from tests.support.names import batch_key
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.format.encrypted import key_material
from vanvault.archiver.core.model import Metadata
from vanvault.archiver.upkeep import compact

ROWS = 40
#: So large that originals have more than two pages in a row group.
LARGE = 100_000


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("elsewhere") / "home"
    init_home(path)
    about = Metadata(employer_code="E", state="accepted", insurance_numbers=("7900000001", "7900000002"))
    with Archive.open(path) as archive:
        for turn, size in enumerate((10, LARGE)):
            with Node(archive) as node:
                node.wait_ready()
                bodies = [bytes([n]) * size for n in range(ROWS)]
                drafts: list[Any] = [message(f"m{turn}-{n}", b, given=about) for n, b in enumerate(bodies)]
                node.submit([*drafts, event(f"e{turn}")])
            compact(archive, until=archive.clock.now())
    return path


@pytest.fixture
def archive(home: Path) -> Iterator[Archive]:
    with Archive.open(home) as archive:
        yield archive


def objects(archive: Archive, prefix: str, end: str) -> list[str]:
    keys = {version.key for version in archive.sites["primary"].list(prefix)}
    return sorted(key for key in keys if key.endswith(end))


class Copied:
    """A copy of one object on disk, and its data key as the command gives it."""

    def __init__(self, archive: Archive, key: str, folder: Path) -> None:
        self.path = folder / key.replace("/", "_")
        data = archive.sites["primary"].get(key)
        self.path.write_bytes(data)
        shown = json_of(run_cli(archive.home, "keys", "unwrap", key, "--yes", "--json"))
        assert shown["object"] == key
        assert shown["master"] == key_material(data).key_id
        self.key = base64.b64decode(shown["key_base64"])
        assert self.key.hex() == shown["key_hex"]
        self.truth = archive.parquet.decryption(key)

    def query(self, select: str, *, pushdown: bool = False) -> list[tuple[Any, ...]]:
        """In DuckDB, as the documentation has it."""
        with duckdb.connect() as connection:
            if not pushdown:
                connection.execute("SET disabled_optimizers = 'filter_pushdown'")
            connection.execute(f"PRAGMA add_parquet_key('k', '{base64.b64encode(self.key).decode()}')")
            source = f"read_parquet('{self.path}', encryption_config = {{footer_key: 'k'}})"
            return connection.execute(select.format(source)).fetchall()

    def arrow(self) -> pa.Table:
        """In pyarrow with the key alone."""
        properties = pe.create_decryption_properties(footer_key=self.key)
        with pq.ParquetFile(self.path, decryption_properties=properties) as file:
            return file.read(use_threads=False)

    def own(self) -> pa.Table:
        """As VanVault itself reads it."""
        with pq.ParquetFile(self.path, decryption_properties=self.truth) as file:
            return file.read(use_threads=False)


@pytest.mark.parametrize(
    ("prefix", "end"),
    [
        ("batch/", ".messages.parquet"),
        ("batch/", ".events.parquet"),
        ("segment/", ".log.parquet"),
        ("segment/", ".originals.parquet"),
        ("segment/", ".evidence.parquet"),
    ],
)
def test_pyarrow_with_the_key_alone(archive: Archive, tmp_path: Path, prefix: str, end: str) -> None:
    keys = objects(archive, prefix, end)
    assert keys
    for key in keys[:3]:
        copied = Copied(archive, key, tmp_path)
        assert copied.arrow().equals(copied.own())
        with duckdb.connect() as connection:
            connection.register("rows", copied.arrow())
            (count,) = connection.execute("SELECT count(*) FROM rows").fetchall()
        assert count == (copied.own().num_rows,)


def test_duckdb_reads_every_flat_column_of_a_log(archive: Archive, tmp_path: Path) -> None:
    for key in objects(archive, "segment/", ".log.parquet"):
        copied = Copied(archive, key, tmp_path)
        table = copied.own()
        flat = [field.name for field in table.schema if not pa.types.is_nested(field.type)]
        assert set(table.column_names) - set(flat) == {"insurance_numbers"}
        texts = [name for name in flat if pa.types.is_string(table.schema.field(name).type)]
        found = copied.query(f"SELECT {', '.join(texts)} FROM {{}}")
        assert found == list(zip(*(table.column(name).to_pylist() for name in texts), strict=True))
        ((count,),) = copied.query("SELECT count(*) FROM (SELECT * EXCLUDE (insurance_numbers) FROM {})")
        assert count == table.num_rows
        found = copied.query("SELECT state, sum(size) FROM {} WHERE entry = 'message' GROUP BY state")
        assert [state for state, _ in found] == ["accepted"]


def test_duckdb_reads_events_and_small_originals(archive: Archive, tmp_path: Path) -> None:
    for key in objects(archive, "batch/", ".events.parquet")[:2]:
        copied = Copied(archive, key, tmp_path)
        assert copied.query("SELECT event_id FROM {}") == [(n,) for n in copied.own()["event_id"].to_pylist()]
    small = [
        copied
        for key in objects(archive, "segment/", ".originals.parquet")
        if len((copied := Copied(archive, key, tmp_path)).own()["body"][0].as_py()) < LARGE
    ]
    assert small
    assert small[0].query("SELECT body FROM {}") == [(b,) for b in small[0].own()["body"].to_pylist()]


def test_what_duckdb_cannot_read_it_refuses(archive: Archive, tmp_path: Path) -> None:
    """Lists, chunks of more than two pages, pushed filters: when this fails, the documents may say more."""
    log = Copied(archive, objects(archive, "segment/", ".log.parquet")[0], tmp_path)
    with pytest.raises(duckdb.InvalidInputException, match="AES tag"):
        log.query("SELECT insurance_numbers FROM {}")
    with pytest.raises(duckdb.InvalidInputException, match="AES tag"):
        log.query("SELECT count(*) FROM {} WHERE state = 'accepted'", pushdown=True)
    large = [
        copied
        for key in objects(archive, "segment/", ".originals.parquet")
        if len((copied := Copied(archive, key, tmp_path)).own()["body"][0].as_py()) == LARGE
    ]
    with pytest.raises(duckdb.InvalidInputException, match="AES tag"):
        large[0].query("SELECT body FROM {}")


def test_a_wrong_key_opens_nothing(archive: Archive, tmp_path: Path) -> None:
    one, other = (
        Copied(archive, objects(archive, "segment/", end)[0], tmp_path)
        for end in (".log.parquet", ".originals.parquet")
    )
    one.key = other.key
    with pytest.raises(duckdb.Error):
        one.query("SELECT count(*) FROM {}")
    with pytest.raises(OSError, match=r"[Dd]ecrypt"):
        one.arrow()


def test_a_data_key_is_shown_only_on_request_and_on_record(archive: Archive) -> None:
    key = objects(archive, "segment/", ".log.parquet")[0]
    refused = run_cli(archive.home, "keys", "unwrap", key)
    assert refused.exit_code == 2
    assert "--yes" in refused.stderr
    assert refused.stdout == ""
    for wrong in ("batch/x", "segment/../x.parquet", "' OR 1=1", "large/x.framed"):
        assert run_cli(archive.home, "keys", "unwrap", wrong, "--yes").exit_code == 2
    names = archive.object_signer
    missing = names.sign_name(names.subject("batch", "0123456789abcdef", 0, "events"), bytes(32))
    assert run_cli(archive.home, "keys", "unwrap", missing, "--yes").exit_code == 4
    nobodys = batch_key("0123456789abcdef", 0, "events", bytes(32))
    assert run_cli(archive.home, "keys", "unwrap", nobodys, "--yes").exit_code == 3
    json_of(run_cli(archive.home, "keys", "unwrap", key, "--yes", "--json"))
    archive.catch_up()
    last = archive.search.page(Query({"type": "vanvault.access.looked"}, limit=1)).items[0]
    assert key in last["detail"]
    assert "key_" not in last["detail"]

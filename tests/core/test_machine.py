"""What says that a limit of the machine is reached, and what only looks like it."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

import pyarrow as pa
import pytest

from vanvault.archiver.core.error_table import ExitCode, described
from vanvault.archiver.core.errors import (
    Damaged,
    KeyUnavailable,
    MachineLimit,
    SettingsError,
    SiteFull,
    SiteUnavailable,
)
from vanvault.archiver.core.machine import limit_of, machine_limit


def of_errno(code: int) -> OSError:
    return OSError(code, os.strerror(code), "/home/vault/keys")


@pytest.mark.parametrize(
    ("error", "resource"),
    [
        (of_errno(errno.EMFILE), "files"),
        (of_errno(errno.ENFILE), "files"),
        (of_errno(errno.ENOMEM), "memory"),
        (of_errno(errno.ENOBUFS), "memory"),
        (of_errno(errno.EAGAIN), "threads"),
        (of_errno(errno.ENOSPC), "disk"),
        (of_errno(errno.EDQUOT), "disk"),
        (of_errno(errno.EFBIG), "file-size"),
        (MemoryError(), "memory"),
        (pa.ArrowMemoryError("malloc of size 64 failed"), "memory"),
        (RuntimeError("can't start new thread"), "threads"),
        (ImportError("libssl.so.3: cannot open shared object file: Too many open files"), "files"),
        (OSError("mmap failed: Cannot allocate memory"), "memory"),
    ],
    ids=repr,
)
def test_a_limit_is_known_by_what_the_system_says(error: Exception, resource: str) -> None:
    limit = machine_limit(error)
    assert limit is not None
    assert limit.resource == resource
    assert limit.hint
    assert "/home" not in limit.message, "gateways are told the message"


@pytest.mark.parametrize(
    "error",
    [of_errno(errno.EACCES), of_errno(errno.EIO), of_errno(errno.ENOENT), RuntimeError("a bug"), ValueError(),
     OSError("no number"), sqlite3.OperationalError("no such table: batch"), KeyUnavailable("missing")],
    ids=repr,
)  # fmt: skip
def test_what_is_none(error: Exception) -> None:
    assert machine_limit(error) is None


def test_a_full_database(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "full.sqlite")
    connection.execute("CREATE TABLE t(x)")
    connection.execute("PRAGMA max_page_count=2")
    with pytest.raises(sqlite3.OperationalError) as caught:
        connection.execute("INSERT INTO t VALUES(zeroblob(100000))")
    limit = machine_limit(caught.value)
    assert limit is not None
    assert limit.resource == "disk"


def raised(error: Exception, cause: Exception | None = None) -> Exception:
    try:
        raise error from cause
    except type(error) as caught:
        return caught


def test_a_limit_behind_another_error_is_found() -> None:
    """As where a library, or a room of ours, made something else of it."""
    cause = of_errno(errno.EMFILE)
    assert machine_limit(raised(ConnectionError("no connection"), cause))
    assert machine_limit(raised(SettingsError("cannot be read"), cause))
    assert machine_limit(raised(KeyUnavailable("cannot be read"), cause))
    assert machine_limit(raised(SettingsError("s"), raised(ConnectionError("c"), cause)))


def test_what_was_only_being_handled_is_no_cause() -> None:
    try:
        try:
            raise of_errno(errno.EMFILE)
        except OSError:
            raise Damaged("not whole") from None
    except Damaged as error:
        assert machine_limit(error) is None


def test_what_a_site_lacks_stays_the_site_s() -> None:
    cause = of_errno(errno.ENOSPC)
    assert machine_limit(raised(SiteFull("no room", site="primary"), cause)) is None
    assert machine_limit(raised(SiteUnavailable("gone", site="primary"), cause)) is None
    assert machine_limit(raised(SiteUnavailable("gone", site="primary"), of_errno(errno.EMFILE)))


def test_a_chain_without_an_end_is_looked_at_for_a_while() -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    assert machine_limit(first) is None


@pytest.mark.parametrize(
    "error", [of_errno(errno.EMFILE), raised(KeyUnavailable("k"), of_errno(errno.EMFILE))]
)
def test_the_command_line_tells_the_limit_and_the_path(error: Exception) -> None:
    code, told = described(error)
    assert code is ExitCode.MACHINE
    assert told["kind"] == "machine-limit"
    assert "too many files are open" in told["message"]
    assert "/home/vault/keys" in told["message"]
    assert "ulimit -n" in told["hint"]
    assert "escrow" not in told["hint"]


def test_may_be_stored_is_kept() -> None:
    assert limit_of("files", may_be_stored=True).may_be_stored
    again = machine_limit(limit_of("files", may_be_stored=True))
    assert isinstance(again, MachineLimit)
    assert again.may_be_stored

"""A connection to the hot tail whose errors are judged: is the file at fault, another process, or the disk?

Every error goes by ``judge``, wherever it comes up: at a statement, or in the middle of an iteration.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from typing import Any, Self

from vanvault.archiver.core.errors import Busy

#: Primary result codes of SQLite for what is no fault of the file's content.
_NOT_THE_FILE = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_MISUSE,
    }
)
_UNREADABLE = frozenset({sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ})  # another file may be
_WRONG_USE = (sqlite3.ProgrammingError, sqlite3.InterfaceError, sqlite3.NotSupportedError)


def is_of_the_file(error: sqlite3.Error) -> bool:
    """Is the file itself at fault, so that another one helps: damaged, no database, not to be opened?"""
    if isinstance(error, _WRONG_USE) or not isinstance(error, sqlite3.DatabaseError):
        return False
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:  # Python found it, such as text that is no UTF-8
        return True
    return code in _UNREADABLE or code & 0xFF not in _NOT_THE_FILE


def busy(error: sqlite3.Error) -> Busy | None:
    """The error for a lock that another process holds for too long; None for any other cause."""
    if (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF not in (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
    ):
        return None
    return Busy(
        "the hot tail of this home is being written by another process",
        retry_after=5,
        hint="Try again. If this lasts, look which process has the files in cache/ open.",
    )


def _as_it_is(error: sqlite3.Error) -> Exception:
    return error


class TailConnection(sqlite3.Connection):
    """``judge`` gives the error that is raised in place of SQLite's."""

    judge: Callable[[sqlite3.Error], Exception] = staticmethod(_as_it_is)

    def cursor(self, factory: Any = None) -> Any:
        return super().cursor(factory or _Cursor)

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        found: sqlite3.Cursor = self.cursor().execute(sql, parameters)
        return found

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> sqlite3.Cursor:
        found: sqlite3.Cursor = self.cursor().executemany(sql, parameters)
        return found


class _Cursor(sqlite3.Cursor):
    connection: TailConnection

    def execute(self, sql: str, parameters: Any = (), /) -> Self:
        try:
            return super().execute(sql, parameters)
        except sqlite3.Error as error:
            raise self.connection.judge(error) from error

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> Self:
        try:
            return super().executemany(sql, parameters)
        except sqlite3.Error as error:
            raise self.connection.judge(error) from error

    def fetchone(self) -> Any:
        try:
            return super().fetchone()
        except sqlite3.Error as error:
            raise self.connection.judge(error) from error

    def fetchall(self) -> list[Any]:
        try:
            return super().fetchall()
        except sqlite3.Error as error:
            raise self.connection.judge(error) from error

    def __next__(self) -> Any:
        try:
            return super().__next__()
        except sqlite3.Error as error:
            raise self.connection.judge(error) from error

"""What verbs print: JSON lines or tables on stdout, progress and warnings on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import click
import orjson

_F = TypeVar("_F", bound=Callable[..., Any])

#: Lines of a pipe or file are not folded.
_NO_TERMINAL_WIDTH = 100_000

_UNITS = ("kB", "MB", "GB", "TB", "PB")


def json_option(command: _F) -> _F:
    """``--json``, passed to the verb as ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, one object on a line.")(command)


def emit_json(value: object) -> None:
    """One JSON value on one line of stdout."""
    click.echo(_json(value, None))


def emit_pretty(value: object) -> None:
    """One JSON value on stdout, indented, for people."""
    click.echo(_json(value, orjson.OPT_INDENT_2))


def signature_told(report: Mapping[str, Any], *, verified: bool) -> str:
    """What was checked of a signed report and of the files beside it."""
    if not verified:
        return "signature not checked"
    if "files" in report:
        return "signature good, and the files beside it are as they were signed"
    return "signature good; an older version wrote it, which signed no other files: they are not checked"


def warn(message: str) -> None:
    """One ``warning:`` line on stderr."""
    click.echo(f"warning: {one_line(message)}", err=True)


def shown(text: str) -> str:
    """Text that a terminal shows and does not obey: control characters and bytes that are no text escaped."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def one_line(text: str) -> str:
    """The same on one line, blanks joined."""
    return shown(" ".join(text.split()))


def _json(value: object, option: int | None) -> bytes:
    try:
        return orjson.dumps(value, option=option)
    except orjson.JSONEncodeError:  # a name of a file that is no UTF-8
        return orjson.dumps(_as_text(value), option=option)


def _as_text(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_as_text(name): _as_text(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_as_text(one) for one in value]
    return value


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table for people on stdout; as wide as it needs where stdout is no terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(
            *(Text(shown(cell)) for cell in row)
        )  # Text: a value that looks like markup is shown, not obeyed
    width = None if sys.stdout.isatty() else _NO_TERMINAL_WIDTH
    Console(file=sys.stdout, highlight=False, width=width).print(table)


def print_pairs(pairs: Iterable[tuple[str, object]]) -> None:
    """``name  value`` lines on stdout, values aligned."""
    lines = [(name, shown(str(value))) for name, value in pairs]
    width = max((len(name) for name, _ in lines), default=0)
    for name, value in lines:
        click.echo(f"{name:<{width}}  {value}".rstrip())


def human_size(size: int) -> str:
    """``812 B``, ``10.2 kB``, ``1.5 MB``: powers of 1000."""
    if size < 1000:
        return f"{size} B"
    value = float(size)
    for unit in _UNITS:
        value /= 1000
        if value < 999.95 or unit == _UNITS[-1]:
            return f"{value:.1f} {unit}"
    raise AssertionError("the last unit takes everything")


def human_duration(seconds: float) -> str:
    """``8s``, ``3m 20s``, ``7h 05m``: whole seconds, rounded."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    return f"{whole // 3600}h {whole % 3600 // 60:02d}m"

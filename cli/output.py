"""What verbs print: JSON lines or tables on stdout, progress and warnings on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
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
    click.echo(orjson.dumps(value))


def emit_pretty(value: object) -> None:
    """One JSON value on stdout, indented, for people."""
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2))


def warn(message: str) -> None:
    """One ``warning:`` line on stderr."""
    click.echo(f"warning: {message}", err=True)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table for people on stdout; as wide as it needs where stdout is no terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))  # Text: a value that looks like markup is shown, not obeyed
    width = None if sys.stdout.isatty() else _NO_TERMINAL_WIDTH
    Console(file=sys.stdout, highlight=False, width=width).print(table)


def print_pairs(pairs: Iterable[tuple[str, object]]) -> None:
    """``name  value`` lines on stdout, values aligned."""
    shown = [(name, str(value)) for name, value in pairs]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
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

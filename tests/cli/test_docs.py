"""The documentation names every setting, verb, option and exit code, and none that is not there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from vanvault.archiver.core.error_table import ERROR_TABLE, OTHER_KINDS, UNAUTHENTICATED, ExitCode
from vanvault.archiver.core.errors import AccessDenied, VanVaultError
from vanvault.archiver.core.settings import RENAMED, Settings, bounds_of
from vanvault.cli.main import VERBS, main

DOCS = Path(__file__).parents[2] / "docs"


def settings_of(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, field in model.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from settings_of(annotation, f"{prefix}{name}.")
        else:
            yield prefix + name, field.default


def commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        if command.invoke_without_command:
            yield path, command
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None, name
            yield from commands(found, f"{path} {name}")
    else:
        yield path, command


def sections() -> dict[str, str]:
    text = (DOCS / "cli.md").read_text(encoding="utf-8")
    parts = re.split(r"^### (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(name: str) -> dict[str, list[str]]:
    """First cell (without backticks) -> the cells of every table row of a page."""
    lines = (DOCS / name).read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    found = {row[0].strip("`"): row for row in cells if row[0] not in ("Name", "Code", "---")}
    assert found
    return found


def shown(default: object) -> str | None:
    if default is PydanticUndefined:
        return None
    if default is None:
        return "unset"
    if isinstance(default, str):
        return f"`{default}`"
    return f"`{json.dumps(int(default) if isinstance(default, float) and default.is_integer() else default)}`"


#: Both sites have the same settings, which the page names once.
SETTINGS = {
    re.sub(r"^sites\.(primary|standby)\.", "sites.SITE.", name): default
    for name, default in settings_of(Settings)
}


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_is_documented_with_its_default(name: str) -> None:
    row = rows("settings.md").get(name)
    assert row is not None, f"docs/settings.md lacks {name}"
    default = shown(SETTINGS[name])
    if default is None:
        assert "`init`" in row[1]
    else:
        assert row[1] == default
    assert row[3], f"docs/settings.md does not say what {name} means"


@pytest.mark.parametrize("name", SETTINGS)
def test_the_bounds_of_every_number_are_documented(name: str) -> None:
    bounds = bounds_of(name.replace("SITE", "primary").split("."))
    assert rows("settings.md")[name][2].startswith(bounds)


def test_no_setting_is_documented_that_does_not_exist() -> None:
    assert set(rows("settings.md")) - {row[0] for row in renamed()} - {"Old"} == set(SETTINGS)


def tables(name: str) -> list[list[list[str]]]:
    """The cells of each table of a page, without its heading."""
    text = (DOCS / name).read_text(encoding="utf-8")
    blocks = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    return [
        [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in block[2:]]
        for block in blocks
    ]


def renamed() -> list[list[str]]:
    """The table of renamed settings: the old names in one cell, the new name in the other."""
    found = next(table for table in tables("settings.md") if len(table[0]) == 2)
    assert len(found) > 1
    return found


def test_every_renamed_setting_is_documented() -> None:
    documented = {
        old: new.rpartition(".")[2] for names, new in renamed() for old in re.findall(r"[\w.]+\w", names)
    }
    assert documented == {
        f"{re.sub('^sites[.](primary|standby)', 'sites.SITE', section)}.{old}": new
        for section, names in RENAMED.items()
        for old, new in names.items()
    }


def test_the_page_of_errors_is_the_table_of_errors() -> None:
    errors, codes = tables("errors.md")
    denied = [row.error for row in ERROR_TABLE].index(AccessDenied) + 1
    rows = [*ERROR_TABLE[:denied], UNAUTHENTICATED, *ERROR_TABLE[denied:]]
    expected = [[row.kind, str(row.exit_code.value), row.problem, str(row.status)] for row in rows]
    expected += [[kind, str(code.value), "", ""] for kind, code in OTHER_KINDS.items()]
    assert [row[:4] for row in errors] == expected
    assert all(row[4] for row in errors), "each row says what to do"
    assert {int(row[0]): row[1] for row in codes} == {code.value: code.name for code in ExitCode}


def every_error(kind: type[VanVaultError] = VanVaultError) -> Iterator[type[VanVaultError]]:
    for found in kind.__subclasses__():
        yield found
        yield from every_error(found)


def test_every_error_has_a_row_of_its_own_before_the_row_of_its_base() -> None:
    rows = [row.error for row in ERROR_TABLE]
    ours = {error for error in every_error() if error.__module__ == VanVaultError.__module__}
    assert set(rows) == ours
    for index, error in enumerate(rows):
        assert not any(issubclass(error, earlier) for earlier in rows[:index])


def test_every_verb_and_option_has_its_place() -> None:
    documented = sections()
    found = dict(commands(main, "vanvault"))
    assert set(documented) == set(found)
    for path, command in found.items():
        for parameter in command.params:
            if isinstance(parameter, click.Option) and "--json" not in parameter.opts:
                option = re.escape(parameter.opts[0])
                assert re.search(rf"{option}(?![\w-])", documented[path]), (path, option)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_takes_json_and_explains_itself(verb: str) -> None:
    group = main.get_command(click.Context(main), verb)
    assert group is not None
    for path, command in commands(group, verb):
        assert command.help, path
        assert any("--json" in parameter.opts for parameter in command.params), path
        for parameter in command.params:
            assert not isinstance(parameter, click.Option) or parameter.help, (path, parameter.name)

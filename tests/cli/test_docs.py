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

from vanvault.archiver.core.errors import SiteUnavailable, VanVaultError
from vanvault.archiver.core.settings import RENAMED, Settings
from vanvault.cli.errors import ExitCode, exit_code_of, kind_of
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


def test_no_setting_is_documented_that_does_not_exist() -> None:
    assert set(rows("settings.md")) - set(rows_of_old_names()) - {"Old"} == set(SETTINGS)


def rows_of_old_names() -> dict[str, str]:
    """First cell (without backticks) -> second cell of the table of renamed settings."""
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    table = text.split("## Old names", 1)[1].split("\n## ", 1)[0]
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if "|" in line
    ]
    return {row[0].strip("`"): row[1] for row in cells[2:]}


def test_every_renamed_setting_is_documented() -> None:
    documented = {
        old: new.strip("`").rpartition(".")[2]
        for names, new in rows_of_old_names().items()
        for old in re.findall(r"[\w.]+\w", names)
    }
    renamed = {
        f"{re.sub('^sites[.](primary|standby)', 'sites.SITE', section)}.{old}": new
        for section, names in RENAMED.items()
        for old, new in names.items()
    }
    assert documented == renamed


def test_every_exit_code_is_documented() -> None:
    documented = {int(code): row[1].strip("`") for code, row in rows("cli.md").items()}
    assert documented == {code.value: code.name for code in ExitCode}


@pytest.mark.parametrize("kind", VanVaultError.__subclasses__() + SiteUnavailable.__subclasses__())
def test_every_kind_of_error_is_documented_and_has_a_code(kind: type[VanVaultError]) -> None:
    assert f"`{kind_of(kind)}`" in (DOCS / "cli.md").read_text(encoding="utf-8")
    assert exit_code_of(kind.__new__(kind)) is not ExitCode.INTERNAL


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

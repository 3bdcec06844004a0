"""Every runbook is whole, says the same in both languages, and names only commands that exist."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from tests.runbooks.pages import FOLDER, LANGUAGES, NAMES, SECTIONS, commands_in, mentioned_in, text_of
from vanvault.cli.main import main


@pytest.mark.parametrize("name", NAMES)
def test_both_languages_hold_the_same_commands(name: str) -> None:
    english, vietnamese = (commands_in(text_of(name, language)) for language in LANGUAGES)
    assert english
    assert english == vietnamese


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_every_page_has_all_its_parts_in_order(name: str, language: str) -> None:
    opened = re.findall(r"^\*\*(.+?)\.?\*\*", text_of(name, language), flags=re.MULTILINE)
    assert [part for part in opened if part in SECTIONS[language]] == list(SECTIONS[language])


@pytest.mark.parametrize("name", NAMES)
def test_the_table_names_every_page(name: str) -> None:
    table = (FOLDER / "README.md").read_text(encoding="utf-8")
    for language in LANGUAGES:
        assert f"({name}.{language}.md)" in table


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.md")), ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", path.read_text(encoding="utf-8")):
        assert (FOLDER / target).is_file(), target


def problem_with(words: list[str], *, whole: bool) -> str:
    """What the command line would refuse of these words; "" when nothing.

    ``whole``: the words are a command to run, so what it requires has to be there too.
    """
    if not words or words[0] != "vanvault":
        return "not a command of vanvault"
    command: click.Command = main
    rest = words[1:]
    while isinstance(command, click.Group):
        if not rest:
            return "no verb" if whole else ""
        found = command.get_command(click.Context(command), rest[0])
        if found is None:
            return f"there is no verb {rest[0]}"
        command, rest = found, rest[1:]
    options = {
        name: parameter
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for name in (*parameter.opts, *parameter.secondary_opts)
    }
    given, values = set(), []
    while rest:
        word, *rest = rest
        if not word.startswith("-"):
            values.append(word)
        elif word not in options:
            return f"there is no option {word}"
        else:
            given.add(options[word].name)
            if not options[word].is_flag:
                if not rest:
                    return f"{word} has no value"
                rest = rest[1:]
    if not whole:
        return ""
    required = [parameter for parameter in command.params if parameter.required]
    lacking = [parameter.name for parameter in required if isinstance(parameter, click.Option)]
    if set(lacking) - given:
        return f"it lacks {set(lacking) - given}"
    return "" if len(values) >= len(required) - len(lacking) else "it lacks an argument"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.md")), ids=lambda path: path.name)
def test_every_command_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for words in commands_in(text):
        assert not problem_with(words, whole=True), words
    for words in mentioned_in(text):
        assert not problem_with(words, whole=False), words


@pytest.mark.parametrize(
    "line",
    [
        "vanvault",
        "vanvault verfy",
        "vanvault verify --all",
        "vanvault keys rotate",
        "vanvault restore",
        "vanvault restore --from",
        "vanvault keys escrow split --threshold 2 --shares 3",
        "rm -rf /",
    ],
)
def test_a_command_that_does_not_exist_would_be_noticed(line: str) -> None:
    text = f"1. Do this.\n\n       {line}\n\n2. Done.\n"
    (words,) = commands_in(text)
    assert problem_with(words, whole=True)

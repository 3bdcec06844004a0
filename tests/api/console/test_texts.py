"""Every text of the console is there in both languages, and the catalogue is level with the sources."""

from __future__ import annotations

import re

import pytest

from tests.api.console.catalogue import CATALOGUE, extracted, levelled, read
from vanvault.api.console.messages import catalogue
from vanvault.api.console.terms import term
from vanvault.archiver.people.accounts import PERMISSIONS
from vanvault.archiver.people.approvals import ACTS
from vanvault.recovery.conditions import CONDITIONS

_PLACES = re.compile(r"%\([a-z_]+\)s")


def test_the_catalogue_is_level_with_the_sources() -> None:
    data = CATALOGUE.read_bytes()
    assert levelled(data) == data, "run: scripts/console-texts"


def test_every_text_has_a_translation_with_the_same_places() -> None:
    found = [message for message in read(CATALOGUE.read_bytes()) if message.id]
    assert len(found) > 50
    for message in found:
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        texts = message.string if isinstance(message.string, tuple) else (message.string,)
        assert all(texts) and not message.fuzzy, f"without Vietnamese: {ids[0]}"
        for text in texts:
            assert set(_PLACES.findall(text)) == set(_PLACES.findall(ids[-1])), ids[0]


def test_a_text_of_a_template_and_one_of_a_table_are_translated() -> None:
    texts = {message.id for message in extracted() if isinstance(message.id, str)}
    assert {"Sign out", "The archive is busy"} <= texts
    assert catalogue("vi").gettext("Sign out") == "Đăng xuất"
    assert catalogue("en").gettext("Sign out") == "Sign out"


@pytest.mark.parametrize("name", CONDITIONS)
def test_every_condition_has_a_term(name: str) -> None:
    assert term(name, "vi") != name
    assert term(name, "en") != term(name, "vi")


@pytest.mark.parametrize("act", ACTS)
def test_every_act_that_asks_for_approval_has_a_term(act: str) -> None:
    assert len({term(f"act:{act}", "vi"), term(f"act:{act}", "en"), f"act:{act}"}) == 3


def test_a_name_without_a_row_stands_as_it_is() -> None:
    assert term("vanvault.nothing", "vi") == "vanvault.nothing"
    assert len(PERMISSIONS) > 3

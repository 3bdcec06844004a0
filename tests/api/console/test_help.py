"""Help in place: every runbook and the guide for auditors, in both languages, as safe HTML that links on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.api.console.conftest import ConsolePlace
from vanvault.api.console import help_pages
from vanvault.api.console.help_pages import help_names, help_page, help_title
from vanvault.api.console.pages import PAGES
from vanvault.archiver.core.errors import NotFound
from vanvault.recovery.conditions import CONDITIONS
from vanvault.recovery.documents import LANGUAGES, Language

_ROOT = Path(__file__).parents[3]


def test_every_runbook_is_served_and_the_guide_for_auditors() -> None:
    written = {path.name.partition(".")[0] for path in (_ROOT / "runbooks").glob("*.en.md")}
    assert set(help_names()) == written | {"auditors"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_links_lead_to_pages_of_help_and_nowhere_else(language: Language) -> None:
    served = {f"/console/help/{name}" for name in help_names()}
    for name in help_names():
        page = help_page(name, language)
        assert page.title != name and "<h1" not in page.body
        for address in re.findall(r'href="([^"]*)"', page.body):
            assert address.rpartition("next=")[2] in served, name
    assert "/console/help/site-unavailable" in help_page("primary-lost", language).body


def test_the_language_of_a_page_is_that_of_its_file_and_a_link_may_ask_for_the_other() -> None:
    assert help_title("keys-lost", "vi") == "Mất khóa" != help_title("keys-lost", "en")
    assert 'href="/console/language/en?next=/console/help/auditors"' in help_page("auditors", "vi").body


def test_raw_html_scripts_images_and_other_hosts_do_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runbooks").mkdir()
    text = (
        "# T\n\n<script>alert(1)</script> [a](javascript:alert(1)) [b](https://evil.example/x.md)"
        ' ![c](https://evil.example/c.png) <img src=x onerror="alert(1)">\n\n<iframe></iframe>\n'
    )
    (tmp_path / "runbooks" / "hostile-page.en.md").write_text(text)
    monkeypatch.setattr(help_pages, "FOLDER", tmp_path)
    body = help_page("hostile-page", "en").body
    assert not re.search(r"<(script|img|iframe|a)\b", body)
    assert "&lt;script&gt;" in body


@pytest.mark.parametrize("name", ["nothing", "../pages", "README", "", "a" * 5000])
def test_a_page_that_is_not_there_is_told_so(name: str) -> None:
    with pytest.raises(NotFound):
        help_page(name, "en")


def test_runbooks_of_pages_and_conditions_are_served() -> None:
    named = {page.runbook for page in PAGES} | {kind.page for kind in CONDITIONS.values()}
    assert named - {""} <= set(help_names())
    assert [page.name for page in PAGES if page.in_menu and not page.runbook] == ["help-index"]


def test_each_page_leads_to_its_runbook_and_help_is_for_who_is_signed_in(place: ConsolePlace) -> None:
    home = place.of("hoa", "vi").get("/console").text
    title = help_title("work-overdue", "vi")
    assert f'<a href="/console/help/work-overdue">{title}</a>' in home
    index = place.of("minh").get("/console/help").text
    assert 'href="/console/help/keys-lost"' in index and 'href="/console/help/auditors"' in index
    page = place.of("minh", "vi").get("/console/help/keys-lost")
    assert page.status_code == 200 and "<h1>Mất khóa</h1>" in page.text
    assert place.of("minh").get("/console/help/nothing").status_code == 404
    assert place.browser().get("/console/help/keys-lost").status_code == 303

"""A real browser for tests of the console: what goes wrong in it, accessibility, pictures of pages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

from tests.servers.chromium import axe_rules
from tests.support.waiting import wait_for

#: Where pictures of pages go, for people to look at; never committed.
PICTURES = Path(os.environ.get("VANVAULT_SCREENSHOTS", Path(__file__).parents[3] / "build" / "screenshots"))
_RULES = "{runOnly: {type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']}}"
#: What Chromium says of an answer that is an error, which tests ask for.
_EXPECTED = "Failed to load resource: the server responded with a status of 4"


@dataclass
class Tab:
    """One tab, and all that went wrong in it: words on its console, requests to other hosts, dialogs."""

    page: Page
    url: str
    wrong: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        self.page.goto(f"{self.url}{path}")

    def reload_until(self, text: str) -> None:
        """Load the page again and again until it says so: what the node knows grows old by itself."""

        def says() -> bool:
            self.page.reload()
            return text in self.page.locator("main").inner_text()

        wait_for(says, f"{self.page.url} says {text!r}")

    def sign_in(self, name: str, password: str, code: str) -> None:
        """Fill in the form that is shown, and send it."""
        self.page.fill("#account", name)
        self.page.fill("#password", password)
        self.page.fill("#code", code)
        self.page.click("main button")

    def check(self, name: str = "") -> None:
        """No rule of accessibility is broken, nothing went wrong; ``name``: of the picture that is taken."""
        self.page.evaluate(axe_rules())  # evaluated, so that the page's policy stays as it is
        found: dict[str, Any] = self.page.evaluate(f"axe.run(document, {_RULES})")
        broken = [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found["violations"]]
        assert broken == [], f"{self.page.url}: {broken}"
        assert self.wrong == [], self.page.url
        if name:
            PICTURES.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=PICTURES / f"{name}.png", full_page=True)


@contextmanager
def tab(browser: Browser, url: str, **options: Any) -> Iterator[Tab]:
    """A tab of a person who has never been here; nothing went wrong in it when it closes."""
    context: BrowserContext = browser.new_context(**options)
    try:
        page = context.new_page()
        found = Tab(page, url)
        page.on("console", lambda said: _note(found, said.type, said.text))
        page.on("pageerror", lambda error: found.wrong.append(str(error)))
        page.on("dialog", lambda dialog: (found.wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda asked: _outside(found, asked.url))
        yield found
        assert found.wrong == []
    finally:
        context.close()


def _note(found: Tab, kind: str, text: str) -> None:
    if kind in ("error", "warning") and not text.startswith(_EXPECTED):
        found.wrong.append(f"{kind}: {text}")


def _outside(found: Tab, url: str) -> None:
    if not url.startswith((found.url, "data:", "about:")):
        found.wrong.append(f"a request of another host: {url}")

"""What stands around the contents of every page. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from vanvault.api.console.pages import ConsolePage
from vanvault.recovery.documents import Language


@dataclass(frozen=True, slots=True)
class MenuItem:
    """One line of the menu."""

    page: ConsolePage
    current: bool


@dataclass(frozen=True, slots=True)
class SignedOnFrame:
    """Whose session this is, and how long it lasts."""

    name: str
    idle_s: int
    left_s: int
    sign_out_token: str


@dataclass(frozen=True, slots=True)
class Frame:
    """The frame of one page."""

    language: Language
    page: ConsolePage
    address: str  # path and query, to come back to in the other language; "" of what cannot be asked again
    nonce: str  # of this answer's Content-Security-Policy
    menu: tuple[MenuItem, ...] = ()
    signed_on: SignedOnFrame | None = None


def menu_of(pages: tuple[ConsolePage, ...], current: ConsolePage) -> tuple[MenuItem, ...]:
    """The menu of who may see these pages."""
    return tuple(MenuItem(page, page is current) for page in pages if page.in_menu)

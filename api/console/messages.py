"""Texts that people read: marked here, translated by the catalogue of their language.

The English text is the key. ``locale/vi.po`` has the Vietnamese ones; ``scripts/console-texts`` keeps it
level with the texts in templates and modules, and a test says what lacks a translation.
"""

from __future__ import annotations

import gettext
from functools import cache
from io import BytesIO
from pathlib import Path

from vanvault.recovery.documents import Language

FOLDER = Path(__file__).parent / "locale"
#: The language in which texts are written in templates and modules.
SOURCE = "en"


def N_(text: str) -> str:
    """Marks a text of a table for the catalogue; it is translated where it is shown."""
    return text


@cache
def catalogue(language: Language) -> gettext.NullTranslations:
    """The texts of a language, read from its file once."""
    if language == SOURCE:
        return gettext.NullTranslations()
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = BytesIO()
    with (FOLDER / f"{language}.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)

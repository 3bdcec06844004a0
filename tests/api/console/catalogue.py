"""The console's catalogue of texts, and what it should be by the texts in templates and modules."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

CONSOLE = Path(__file__).parents[3] / "src" / "vanvault" / "api" / "console"
CATALOGUE = CONSOLE / "locale" / "vi.po"
_METHODS = [("**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")]
_KEYWORDS = {"N_": None, "_": None, "gettext": None, "ngettext": (1, 2)}
_OPTIONS = {"templates/**.html": {"trimmed": "true", "newstyle_gettext": "true"}}

_HEADER = b"""\
# The console's texts in Vietnamese; scripts/console-texts keeps the file level.
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Language: vi\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

"""


def extracted() -> Catalog:
    """All texts as they stand in templates and modules."""
    found = Catalog(locale="vi", project="VanVault")
    texts = extract_from_dir(str(CONSOLE), _METHODS, _OPTIONS, keywords=_KEYWORDS)
    for file, _, message, comments, context in sorted(texts, key=lambda one: (one[0], one[1])):
        found.add(message, None, [(file, None)], auto_comments=comments, context=context)
    return found


def read(data: bytes) -> Catalog:
    """A catalogue from its file."""
    return read_po(BytesIO(data), locale="vi")


def levelled(data: bytes) -> bytes:
    """The file with the texts of now: no new one is missing, and none is left that is gone."""
    catalogue = read(data)
    catalogue.update(extracted(), no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    written = BytesIO()
    write_po(written, catalogue, width=110, sort_output=True, omit_header=True, include_lineno=False)
    return _HEADER + written.getvalue()

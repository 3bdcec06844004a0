"""A reading as one HTML page that needs nothing else, runs nothing and fetches nothing. Pure."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from html import escape

from vanvault.archiver.core.readable.reading import EntryReading, ReadingLine, visible
from vanvault.archiver.core.readable.words import numbered, say

#: Levels that are indented; deeper ones stand at the last of them.
_MOST_INDENTED = 20

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;color:#1b1f24;background:#fff;max-width:62rem;margin:2rem auto;"
    "padding:0 1rem}h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}"
    ".says{border-left:.3rem solid #9a6700;background:#fff8e5;padding:.5rem .8rem}"
    "table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;vertical-align:top;padding:.2rem .5rem;border-bottom:1px solid #d0d7de;"
    "overflow-wrap:anywhere;unicode-bidi:isolate}th{font-weight:400}code{color:#57606a}"
    + "".join(f".l{level}{{padding-left:{level * 1.1 + 0.5:.1f}rem}}" for level in range(_MOST_INDENTED + 1))
    + "@media print{body{margin:0;max-width:none}tr{break-inside:avoid}}"
)
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
#: The Content-Security-Policy of such a page, for its meta element; as a header add ``sandbox``.
PAGE_POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"


def html_page_of(reading: EntryReading) -> str:
    """The whole page, to be written as UTF-8. Every text of the message is escaped."""
    return "".join(_parts(reading))


def _parts(reading: EntryReading) -> Iterator[str]:
    of, language = reading.of, reading.language
    title = escape(visible(reading.title))
    yield (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(PAGE_POLICY)}">\n'
        '<meta name="viewport" content="width=device-width">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
    )
    about = (of.id, visible(of.gateway), of.received_at, visible(of.content_type))
    yield f"<p>{escape('; '.join(part for part in about if part))}</p>\n"
    for sentence in (
        say("reading", language, size=numbered(of.size, language), sha256=of.sha256),
        say("unchecked", language),
    ):
        yield f'<p class="says">{escape(sentence)}</p>\n'
    for section in reading.sections:
        yield f"<section>\n<h2>{escape(visible(section.heading))}</h2>\n<table>\n<tbody>\n"
        yield from map(_row, section.lines)
        yield "</tbody>\n</table>\n</section>\n"
    if reading.files:
        yield f"<section>\n<h2>{escape(say('files', language))}</h2>\n<table>\n<tbody>\n"
        for file in reading.files:
            name = visible(file.name) or say("unnamed", language)
            cells = (str(file.number), name, file.kind, f"{numbered(file.size, language)} B", file.sha256)
            yield f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>\n"
        yield "</tbody>\n</table>\n</section>\n"
    if reading.notes:
        yield f"<section>\n<h2>{escape(say('notes', language))}</h2>\n<ul>\n"
        yield "".join(f"<li>{escape(visible(note))}</li>\n" for note in reading.notes)
        yield "</ul>\n</section>\n"
    yield "</main>\n</body>\n</html>\n"


def _row(line: ReadingLine) -> str:
    name = f"<code>{escape(visible(line.name))}</code>"
    words = f"{escape(line.words)} {name}" if line.words else name
    level = min(line.level, _MOST_INDENTED)
    return f'<tr><th scope="row" class="l{level}">{words}</th><td>{escape(visible(line.text))}</td></tr>\n'

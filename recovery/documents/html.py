"""A document as one HTML page that needs nothing else. Pure."""

from __future__ import annotations

from html import escape

from vanvault.recovery.documents.document import Document, Section

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #1b1f24; max-width: 60rem;
  margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin-top: 2rem }
.verdict { font-size: 1.25rem; font-weight: 700; padding: .6rem .8rem; border-left: .4rem solid }
.passed { border-color: #1a7f37; background: #eaf6ec } .failed { border-color: #b42318; background: #fdecea }
table { border-collapse: collapse; width: 100%; table-layout: fixed }
th, td { text-align: left; vertical-align: top; padding: .3rem .5rem; border-bottom: 1px solid #d0d7de;
  overflow-wrap: anywhere }
th { background: #f3f5f7 }
.hand { margin-top: 3rem; border-top: 1px solid; padding-top: .4rem; width: 60% }
@media print { body { margin: 0; max-width: none } h2 { break-after: avoid } tr { break-inside: avoid } }
"""


def html_page(shown: Document) -> str:
    """A whole page, to be written as UTF-8."""
    return (
        f'<!doctype html>\n<html lang="{shown.language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{escape(shown.title)}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n{_body(shown)}</body>\n</html>\n"
    )


def _body(shown: Document) -> str:
    kind = "passed" if shown.passed else "failed"
    sections = "".join(map(_section, shown.sections))
    verdict = f'<p class="verdict {kind}">{escape(shown.verdict)}</p>\n' if shown.verdict else ""
    return f"<h1>{escape(shown.title)}</h1>\n{verdict}{sections}<p>{escape(shown.note)}</p>\n" + "".join(
        f'<p class="hand">{escape(line)}</p>\n' for line in shown.by_hand
    )


def _section(section: Section) -> str:
    total = sum(section.widths)
    columns = "".join(f'<col style="width: {100 * width / total:.0f}%">' for width in section.widths)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in section.columns)
    rows = "".join(f"<tr>{_cells(row, pairs=not section.columns)}</tr>\n" for row in section.rows)
    return (
        f"<h2>{escape(section.heading)}</h2>\n<table>\n<colgroup>{columns}</colgroup>\n"
        + (f"<thead><tr>{head}</tr></thead>\n" if head else "")
        + f"<tbody>\n{rows}</tbody>\n</table>\n"
    )


def _cells(row: tuple[str, ...], *, pairs: bool) -> str:
    if pairs and len(row) > 1:
        return f'<th scope="row">{escape(row[0])}</th><td>{escape(row[1])}</td>'
    return "".join(f"<td>{escape(cell)}</td>" for cell in row)

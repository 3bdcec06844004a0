"""The scan of a letter: what kind of file its first bytes say that it is. Pure.

The name of the file and what a caller says about it mean nothing: neither is kept.
"""

from __future__ import annotations

from vanvault.archiver.core.errors import InvalidInput, TooLarge

#: Bytes of a scan; a letter of ten pages at 300 dpi has about 10 MB.
MOST_SCAN = 25 * 2**20

_KINDS = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
)


def scan_type(scan: bytes) -> str:
    """The content type of a scan. Raises InvalidInput (empty, or no kind that is taken), TooLarge."""
    if len(scan) > MOST_SCAN:
        raise TooLarge("the scan of the letter is too large", limit=MOST_SCAN, field="scan")
    for begin, kind in _KINDS:
        if scan.startswith(begin):
            return kind
    raise InvalidInput(
        "the scan is no PDF, PNG, JPEG or TIFF",
        field="scan",
        hint="Scan the letter as one of these; its first bytes count, not its name.",
    )

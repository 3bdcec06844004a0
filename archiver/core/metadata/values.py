"""Field values: raw text of an element to a short clean string, and the outcome words of a receipt."""

from __future__ import annotations

import re
import unicodedata

#: Longest value that is kept, in characters. The longest real one is an agency's name.
MAX_VALUE = 256
_MAX_RAW = 4 * MAX_VALUE  # no field is longer; a longer one is not a key that anybody searches by

_REFERENCE = re.compile(r"&(?:#x([0-9A-Fa-f]{1,6})|#([0-9]{1,7})|(lt|gt|amp|quot|apos));")
_PREDEFINED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}


def clean(raw: bytes) -> str:
    """The value that raw element text stands for: references resolved, stripped, one line, bounded.

    Control and format characters (C0, C1, bidirectional overrides) become spaces; runs of spaces become one.
    "null" is how some senders write an empty field, and reads as "". Raises UnicodeDecodeError when the bytes
    are not UTF-8.
    """
    if len(raw) > _MAX_RAW:
        return ""
    text = raw.decode("utf-8")
    if "&" in text:
        text = _REFERENCE.sub(_resolve, text)
    if not text.isprintable():
        text = "".join(character if character.isprintable() else " " for character in text)
    text = " ".join(text.split())[:MAX_VALUE]
    return "" if text == "null" else text


def _resolve(match: re.Match[str]) -> str:
    hexadecimal, decimal, name = match.groups()
    if name is not None:
        return _PREDEFINED[name]
    code = int(hexadecimal, 16) if hexadecimal else int(decimal)
    # A surrogate or a number beyond Unicode is no character in XML.
    return "" if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF else chr(code)


_NO_ERROR = re.compile(r"[0\s]*")
_RESULT = re.compile(r"tra ket qua|da tra|giai quyet|hoan thanh")
_NEGATIVE = re.compile(r"tu choi|that bai|\bloi\b|\bkhong\b|\bchua\b")
_POSITIVE = re.compile(r"tiep nhan|thanh cong|chap nhan|hop le|da nhan|dong y")


def outcome(error_code: str, result: str) -> tuple[str, str]:
    """The kind of a 01/TB-GD notice and the state that it reports, from MA_LOI and KQUA.

    ========== ============ ==========================================================
    kind       state        when
    ========== ============ ==========================================================
    receipt    accepted     no error code (empty or zeros) and KQUA says it was taken in
    receipt    rejected     an error code, or KQUA says no
    result     returned     KQUA speaks of a result or of settling, without a no
    result     refused      the same with a no or an error code
    receipt    ""           KQUA says neither, and there is no error code
    ========== ============ ==========================================================

    An error code of zeros with an empty KQUA counts as accepted. KQUA is free Vietnamese text: it is compared
    without marks, by the words that agencies use.
    """
    words = _without_marks(result)
    failed = _NO_ERROR.fullmatch(error_code) is None or _NEGATIVE.search(words) is not None
    if _RESULT.search(words):
        return "result", "refused" if failed else "returned"
    if failed:
        return "receipt", "rejected"
    taken = _POSITIVE.search(words) is not None or (not words and error_code != "")
    return "receipt", "accepted" if taken else ""


def _without_marks(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    return "".join(character for character in decomposed if not unicodedata.combining(character))

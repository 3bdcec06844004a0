"""Insurance numbers inside the base64 forms of an envelope or of a health claim.

A form is found to be XML by its own first bytes, not by its declared name or type, so PDF, DOCX and XLSX
attachments cost one short decode. The decoded XML is searched for the few element names that hold
insurance numbers, not parsed: the sought texts are ten digits or a card number and need none of XML's
quoting, so a search finds what a parser would, and whatever a hostile form holds is only bytes. Forms
inside forms are not opened.
"""

from __future__ import annotations

import codecs
import re
from binascii import Error

from pybase64 import b64decode

#: More distinct numbers than this in one message are not read.
MAX_NUMBERS = 10_000

# Line ends that some writers put into the base64 as references.
_LINE_END = re.compile(rb"&#(?:x0*+[AaDd]|0*+1[03]);")
_HEAD = 64  # base64 characters that are decoded to see what a form is

# In both patterns an attribute may not hold a letter of the name: so a failed match never runs into the next
# name, and a form full of names that do not fit still takes linear time.
# <MaSoBHXH>, <SoBHXH>, <SO_BHXH> ... in D02-TS, TK1-TS, D01-TS and their kin. Ten digits: an employer's code,
# which some forms put under the same name, is shorter and has letters.
_EMPLOYEE = re.compile(rb"BHXH(?:\s[^<>H]*+)?+>\s*+(?:<!\[CDATA\[\s*+)?+([0-9]{10})(?![0-9])")
# MA_THE (Decision 917) or MA_THE_BHYT (Decision 4750): one card, or several with ";" between them.
_CARDS = re.compile(rb"MA_THE(?:_BHYT)?+(?:\s[^<>M]*+)?+>\s*+(?:<!\[CDATA\[\s*+)?+([A-Z0-9;,\s]{10,1024}+)")
_CARD = re.compile(rb"(?<![A-Z0-9])(?:[A-Z]{2}[0-9]{3})?([0-9]{10})(?![A-Z0-9])")


def add_employees(raw: bytes, numbers: dict[bytes, None]) -> bool:
    """Add the employees' numbers of one form to ``numbers``; ``raw`` is the base64 text of NoiDungFile.

    False when the base64 is broken: then nothing was added. Stops at MAX_NUMBERS.
    """
    form = _decoded_xml(raw)
    if form is None:
        return False
    for match in _EMPLOYEE.finditer(form):
        if len(numbers) >= MAX_NUMBERS:
            break
        numbers[match[1]] = None
    return True


def add_cards(raw: bytes, numbers: dict[bytes, None]) -> bool:
    """The same for a health-claim file: each card number as written, and the insurance number that ends it.

    A card is two letters, three digits and the ten digits of the person's insurance number, so that a claim
    is found by the card, and together with the person's dossiers.
    """
    form = _decoded_xml(raw)
    if form is None:
        return False
    for match in _CARDS.finditer(form):
        for card in _CARD.finditer(match.group(1)):
            if len(numbers) >= MAX_NUMBERS:
                return True
            numbers[card[0]] = None
            numbers[card[1]] = None
    return True


def _decoded_xml(raw: bytes) -> bytes | None:
    """The form as UTF-8 when it is XML, b"" when it is something else, None when it is not base64."""
    if b"&" in raw:
        raw = _LINE_END.sub(b"", raw)
    try:
        head = b64decode(raw[:_HEAD].lstrip() if raw[:1].isspace() else raw[:_HEAD])
    except Error:
        head = b"<"  # blanks or line breaks between the characters: decode all of it to see
    wide = ""
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        wide = "utf-32"
    elif head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        wide = "utf-16"
    begin = head.removeprefix(codecs.BOM_UTF8).lstrip()
    if not wide and begin and not begin.startswith(b"<"):
        return b""
    try:
        form = b64decode(raw)
        return form.decode(wide).encode() if wide else form
    except (Error, UnicodeError):
        return None

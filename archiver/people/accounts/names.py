"""What may be the name of an account, and what may be written about it for people. Pure."""

from __future__ import annotations

import re
import unicodedata

from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.people.roster import check_name

MOST_TEXT = 200  # characters of a name, a unit, a reason

#: How ids of gateways and accounts look: a name that looks so could be taken for one.
_LIKE_ID = re.compile(r"[ag]-[0-9a-f]{16}")

_LOOKS = str.maketrans("01", "ol")

#: Scripts with letters that look like those of another: a word has letters of one of them.
_LIKE_OTHERS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC")

#: Unicode's controls, formats (which turn the direction of text), halves of pairs, private and unassigned
#: characters, separators of lines and paragraphs: none belongs in a name, and some hide what is there.
_NO_TEXT = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def check_account_name(name: str) -> None:
    """Raises InvalidInput unless this may be the name of an account.

    Accounts and gateways have one name space, of a few ASCII characters, so that no two names look alike.
    """
    check_name(name, what="account")
    if _LIKE_ID.fullmatch(name):
        raise InvalidInput(
            f"{name} looks like an id, so it is no account name", field="account", hint="Choose another name."
        )


def looks_of(name: str) -> str:
    """What an account name looks like at a glance: two names with the same are taken for each other.

    As Unicode Technical Standard 39, 4, for the characters that a name may have.
    """
    return name.translate(_LOOKS).replace("rn", "m").replace("vv", "w")


def plain_text(text: str, field: str, *, needed: bool = False) -> str:
    """Text for people in Unicode's form NFC, without blanks at its ends. Raises InvalidInput.

    ``needed``: it may not be empty.
    """
    shown = unicodedata.normalize("NFC", text).strip()
    if needed and not shown:
        raise InvalidInput(f"{field} is empty", field=field, hint="Say it in a few words.")
    if len(shown) > MOST_TEXT:
        raise InvalidInput(f"{field} is longer than {MOST_TEXT} characters", field=field, hint="Shorten it.")
    if any(unicodedata.category(one) in _NO_TEXT for one in shown):
        raise InvalidInput(
            f"{field} has a character that cannot be shown", field=field, hint="Write it again by hand."
        )
    for word in shown.split():
        scripts = sorted(_scripts(word))
        if len(scripts) > 1:
            raise InvalidInput(
                f"{field} has a word with letters of {' and '.join(scripts)}, which look alike",
                field=field,
                hint="Write it again by hand.",
            )
    return shown


def _scripts(word: str) -> set[str]:
    """Of those scripts whose letters look like another's."""
    of_letters = {unicodedata.name(one, "").partition(" ")[0] for one in word if one.isalpha()}
    return of_letters.intersection(_LIKE_OTHERS)

"""The address of a question whose values do not belong in the logs of proxies: an opaque text in their place.

The text is the question itself, sealed under a key that follows from the archive's index master: every node
opens it, after years as well, and nothing is kept for it. The same question has the same text. Who opens it
must be signed on and may see no more by it, and the look on record names the question.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from vanvault.archiver.core.errors import InvalidInput, KeyUnavailable, NotFound
from vanvault.archiver.core.key_port import KeyProvider

#: Fields whose values may stand in an address: they are of no person and no enterprise.
OPEN_FIELDS = frozenset(
    (
        *("entry", "gateway", "type", "kind", "procedure", "period", "state", "agency"),
        *("during", "by", "order", "from", "to", "limit", "cursor", "as"),
    )
)
_INFO = b"vanvault console question"
_KEY_BYTES = 64
_MOST_TEXT = 8000

AskedFields = Sequence[tuple[str, str]]


def may_stand_open(question: AskedFields) -> bool:
    """May this question stand in an address as it is?"""
    return all(name in OPEN_FIELDS for name, _ in question)


def sealed_question(keys: KeyProvider, question: AskedFields) -> str:
    """The text in place of a question. Raises KeyUnavailable."""
    key_id = keys.active("index")
    text = orjson.dumps(list(map(list, question)))
    sealed = AESSIV(keys.derive(key_id, _INFO, _KEY_BYTES)).encrypt(text, None)
    name = key_id.encode()
    return base64.urlsafe_b64encode(bytes([len(name)]) + name + sealed).decode().rstrip("=")


def opened_question(keys: KeyProvider, text: str) -> list[tuple[str, str]]:
    """The question of such a text. Raises NotFound: it is none of this archive; KeyUnavailable: an older key
    is missing here."""
    try:
        if len(text) > _MOST_TEXT:
            raise ValueError
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        size = raw[0]
        name, sealed = raw[1 : 1 + size].decode("ascii"), raw[1 + size :]
        key = keys.derive(name, _INFO, _KEY_BYTES)
        found = orjson.loads(AESSIV(key).decrypt(sealed, None))
        return [(str(name), str(value)) for name, value in found]
    except KeyUnavailable as error:
        raise _not_ours() from error
    except (ValueError, IndexError, InvalidTag, InvalidInput, binascii.Error) as error:
        raise _not_ours() from error


def _not_ours() -> NotFound:
    return NotFound("this address holds no question of this archive", hint="Search again.")

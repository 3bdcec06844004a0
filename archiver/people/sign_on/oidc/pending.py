"""A sign-on that is on its way: begun here, finished when the provider sends the person back. Pure.

Code flow with PKCE (RFC 6749, 4.1; RFC 7636, S256; RFC 9700). What is remembered stays with the browser that
began, in a sealed cookie, so that no other browser can finish it and no node has to remember it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from vanvault.archiver.core.errors import AccessDenied, InvalidInput
from vanvault.archiver.core.ports import Entropy
from vanvault.archiver.core.times import from_us, to_us
from vanvault.archiver.people.sign_on.oidc.provider import ProviderClient, ProviderMetadata
from vanvault.archiver.people.sign_on.oidc.urls import with_query

_BYTES = 32
_LONGEST = timedelta(minutes=10)  # from the start to the way back
_LONGEST_CODE = 4096


@dataclass(frozen=True, slots=True)
class PendingSignOn:
    """State, nonce and verifier: secrets of one sign-on; ``return_to``: where the person wanted to go."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    begun: datetime
    return_to: str = "/"

    @classmethod
    def begin(cls, entropy: Entropy, now: datetime, return_to: str = "/") -> PendingSignOn:
        """A new one. ``return_to`` may be anything; what leads to another site becomes ``/``."""
        texts = (new_verifier(entropy), new_verifier(entropy), new_verifier(entropy))
        return cls(*texts, now, safe_return(return_to))

    def url(self, client: ProviderClient, provider: ProviderMetadata, *, again: bool = False) -> str:
        """Where the browser is sent. ``again``: the provider asks for a proof although it knows them."""
        fields = {
            "response_type": "code",
            "client_id": client.id,
            "redirect_uri": client.redirect_uri,
            "scope": " ".join(client.scopes),
            "state": self.state,
            "nonce": self.nonce,
            **challenge_of(self.verifier),
        }
        if again:
            fields |= {"prompt": "login", "max_age": "0"}
        return with_query(provider.authorization, fields)

    def code_of(self, query: Sequence[tuple[str, str]], provider: ProviderMetadata, now: datetime) -> str:
        """The code with which the person came back.

        Args:
            query: names and values of the query, in their order.

        Raises AccessDenied: another sign-on's state, another provider (RFC 9207), the provider refused, or it
        took longer than ten minutes.
        """
        fields = dict(query)
        if len(fields) != len(query):
            raise _refused("a field stands twice in the address")
        if not hmac.compare_digest(fields.get("state", "").encode(), self.state.encode()):
            raise _refused("it was not begun in this browser (state)")
        if not timedelta(0) <= now - self.begun + timedelta(minutes=1) <= _LONGEST + timedelta(minutes=1):
            raise _refused("it took longer than ten minutes")
        said = fields.get("iss")
        if (said is None and provider.says_issuer) or (said is not None and said != provider.issuer):
            raise _refused("another provider sent the answer (iss)")
        if "error" in fields:
            raise _refused(f"the provider says {_word(fields['error'])}")
        code = fields.get("code", "")
        if not 0 < len(code) <= _LONGEST_CODE:
            raise _refused("the provider gave no code")
        return code

    def as_json(self) -> dict[str, Any]:
        """As JSON values, for the seal alone."""
        return {
            "state": self.state,
            "nonce": self.nonce,
            "verifier": self.verifier,
            "begun_us": to_us(self.begun),
            "return_to": self.return_to,
        }

    @classmethod
    def of_json(cls, value: Any) -> PendingSignOn:
        """Raises InvalidInput for what ``as_json`` did not write."""
        try:
            return cls(
                str(value["state"]),
                str(value["nonce"]),
                str(value["verifier"]),
                from_us(value["begun_us"]),
                safe_return(value["return_to"]),
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise InvalidInput("this is no sign-on that was begun here", hint="Sign on again.") from error


def safe_return(path: object) -> str:
    """A path of this site, or ``/``: never an address of another one, however it is written.

    Browsers take ``//host``, ``/\\host`` and addresses with control characters or blanks for other sites.
    """
    if not isinstance(path, str) or len(path) > 1024 or not path.startswith("/") or path.startswith("//"):
        return "/"
    if not path.isascii() or not path.isprintable() or any(one in '\\ "<>' for one in path):
        return "/"
    return path


def _refused(why: str) -> AccessDenied:
    return AccessDenied(f"this sign-on was refused: {why}", hint="Sign on again.")


def _word(text: str) -> str:
    """A provider's error code as it may be shown: letters, digits, underscores."""
    return "".join(one for one in text[:60] if one.isascii() and (one.isalnum() or one == "_")) or "no"


def new_verifier(entropy: Entropy) -> str:
    """256 random bits as 43 characters (RFC 7636, 4.1)."""
    return _base64url(entropy.token(_BYTES))


def challenge_of(verifier: str) -> dict[str, str]:
    """What a request says of its verifier (RFC 7636, 4.3)."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return {"code_challenge": _base64url(digest), "code_challenge_method": "S256"}


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")

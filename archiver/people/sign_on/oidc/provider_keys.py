"""The provider's public keys: read from its JWKS, kept for a while, and fetched again within bounds.

A token that names an unknown key makes the set be fetched again, at most every half minute, so that
forged tokens cannot make this host ask the provider without end. Keys that could not be confirmed for an
hour are not used any more: the provider may have withdrawn one of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vanvault.archiver.core.errors import AccessDenied, Busy, VanVaultError
from vanvault.archiver.core.ports import Stopwatch

if TYPE_CHECKING:
    from joserfc.jwk import Key

_MOST_KEYS = 64
_LEAST_RSA_BITS = 2048
#: Which type of key each algorithm takes, by the first letters of its name.
_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}


@dataclass(frozen=True, slots=True)
class KeyPace:
    """When the keys are fetched, in seconds."""

    fresh_s: float = 600.0  # after this they are fetched again at the next use
    stale_s: float = 3600.0  # after this they are used no more, even where none can be fetched
    between_s: float = 30.0  # at least, between two fetches for an unknown key


class ProviderKeys:
    """The keys of one provider. Many threads may ask; one of them fetches.

    Args:
        fetch: gives the JWKS as a JSON object; raises Busy or another VanVaultError.
    """

    def __init__(
        self, fetch: Callable[[], Mapping[str, Any]], stopwatch: Stopwatch, pace: KeyPace | None = None
    ) -> None:
        self._fetch = fetch
        self._stopwatch = stopwatch
        self._pace = pace or KeyPace()
        self._lock = threading.Lock()
        self._keys: tuple[Key, ...] = ()
        self._fetched: float | None = None  # when the keys came
        self._tried: float | None = None  # when they were asked for last

    def find(self, kid: str | None, algorithm: str) -> Key:
        """The key that a token names, fit for its algorithm.

        Raises AccessDenied: the provider has no such key; Busy: the provider's keys are not known now.
        """
        with self._lock:
            now = self._stopwatch.seconds()
            if self._fetched is None or now - self._fetched >= self._pace.fresh_s:
                self._renew(now)
            found = self._known(kid, algorithm)
            if found is None and self._may_ask(now):
                self._renew(now)
                found = self._known(kid, algorithm)
        if found is None:
            raise AccessDenied("the token was signed with no key of the identity provider")
        return found

    def _may_ask(self, now: float) -> bool:
        return self._tried is None or now - self._tried >= self._pace.between_s

    def _renew(self, now: float) -> None:
        """Fetch the keys; where that fails, those that are not too old stay."""
        too_old = self._fetched is None or now - self._fetched >= self._pace.stale_s
        if not self._may_ask(now):
            if too_old:
                raise Busy("the identity provider's keys are not known", retry_after=30)
            return
        self._tried = now
        try:
            keys = _usable(self._fetch())
        except VanVaultError:
            if too_old:
                self._keys = ()
                raise
            return
        self._keys, self._fetched = keys, now

    def _known(self, kid: str | None, algorithm: str) -> Key | None:
        wanted = _TYPES.get(algorithm[:2])
        fit = [key for key in self._keys if key.key_type == wanted and key.alg in (None, algorithm)]
        if kid is None:
            return fit[0] if len(fit) == 1 else None
        return next((key for key in fit if key.kid == kid), None)


def _usable(value: Mapping[str, Any]) -> tuple[Key, ...]:
    """The keys that may verify signatures: public, for that use, not too short. Others are passed over."""
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey, OKPKey, RSAKey

    kinds: dict[str, Any] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
    found: list[Key] = []
    listed = value.get("keys")
    for one in listed[:_MOST_KEYS] if isinstance(listed, list) else []:
        if not isinstance(one, dict) or one.get("use") not in (None, "sig"):
            continue
        kind = kinds.get(str(one.get("kty")))
        if kind is None:
            continue
        try:
            key = kind.import_key(one)
            if key.key_type == "RSA" and key.public_key.key_size < _LEAST_RSA_BITS:
                continue
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        found.append(key)
    return tuple(found)

"""One logged-in session at a PKCS#11 token (OASIS PKCS #11 v2.40), opened again when it is lost.

The library and its login belong to the process, so there is one ``TokenSession`` for each token in it. The
binding starts the library for callers that come one at a time (``C_Initialize`` without arguments), so one
lock for each library stands around every call: threads wait for each other, some 40 µs at a token in
software.

A PIN that the token refused is not tried again by this process: tokens lock up after a few wrong ones.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import pkcs11
from pkcs11 import Mechanism, TokenFlag
from pkcs11.exceptions import (
    NoSuchToken,
    PinExpired,
    PinIncorrect,
    PinInvalid,
    PinLenRange,
    PinLocked,
    PKCS11Error,
    UserPinNotInitialized,
)

from vanvault.archiver.core.errors import KeyUnavailable, SettingsError
from vanvault.archiver.core.machine import raise_limit

T = TypeVar("T")

#: What every token must be able to do.
NEEDED = (Mechanism.AES_GCM, Mechanism.SHA256_HMAC)
_PIN_REFUSED = (PinIncorrect, PinInvalid, PinLenRange, PinLocked, PinExpired, UserPinNotInitialized)


class _Library:
    """A PKCS#11 module in this process; ``lock`` is held during every call to it."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise SettingsError(
                f"There is no PKCS#11 module {path}.",
                hint="Install the token's software, or correct keys.pkcs11.module.",
            )
        try:
            self.handle = pkcs11.lib(str(path))
        except (PKCS11Error, OSError) as error:
            raise_limit(error)
            raise SettingsError(
                f"{path} cannot be used as a PKCS#11 module ({type(error).__name__}).",
                hint="Is it built for this host, and may the user that runs VanVault read its settings?",
            ) from error
        self.lock = threading.RLock()
        self.starts = 0  # times the library was started again; sessions of before are gone

    def start_again(self) -> None:
        """Let the library look for its tokens anew. Raises PKCS11Error."""
        self.starts += 1
        with suppress(PKCS11Error):
            self.handle.finalize()
        self.handle.initialize()


class TokenSession:
    """The token that ``token_label`` names; safe to call from many threads."""

    def __init__(self, library: _Library, token_label: str) -> None:
        self._library = library
        self._label = token_label
        self._session: Any = None
        self._starts = -1
        self._refused = ""
        self._pin: Callable[[], str] = str
        self.number = 0  # of the open session: what was found through another one is void

    def use_pin(self, pin: Callable[[], str]) -> None:
        """Where the PIN comes from at the next login; it is asked for each time and not kept."""
        self._pin = pin

    def run(self, work: Callable[[Any], T]) -> T:
        """``work`` with a session that is logged in; once more with a new one when the first is lost.

        ``work`` may be called twice. Raises KeyUnavailable (token away, PIN refused, or ``work`` fails with
        both sessions), SettingsError (PIN cannot be read; the token lacks a mechanism), and what ``work``
        raises.
        """
        with self._library.lock:
            reopened = self._session is None or self._starts != self._library.starts
            if reopened:
                self._open()
            try:
                return work(self._session)
            except PKCS11Error as error:
                if reopened:
                    raise self._failed(error) from error
            self._reopen()
            try:
                return work(self._session)
            except PKCS11Error as error:
                raise self._failed(error) from error

    def change(self, work: Callable[[Any], T]) -> T:
        """``work`` with a session that may write; never repeated. Raises as ``run``."""

        def write(_: Any) -> Any:
            return self._token().open(rw=True)

        with self._library.lock:
            writing = self.run(write)
            try:
                return work(writing)
            except PKCS11Error as error:
                raise self._failed(error) from error
            finally:
                with suppress(PKCS11Error):
                    writing.close()

    def reopen(self) -> None:
        """Give the session up and log in again, as after an answer that cannot be right.

        Raises KeyUnavailable, SettingsError.
        """
        with self._library.lock:
            self._reopen()

    def close(self) -> None:
        """Log out; the next call logs in again."""
        with self._library.lock:
            session, self._session = self._session, None
            if session is not None and self._starts == self._library.starts:
                with suppress(PKCS11Error):
                    session.close()

    def _reopen(self) -> None:
        self.close()
        self._open()

    def _open(self) -> None:
        try:
            self._login()
        except KeyUnavailable:
            if self._refused:
                raise
        else:
            return
        # A library sees a token that came, or came back, only after a new start.
        try:
            self._library.start_again()
        except PKCS11Error as error:
            raise self._failed(error) from error
        self._login()

    def _login(self) -> None:
        if self._refused:
            raise KeyUnavailable(self._refused, hint=_PIN_HINT)
        try:
            token = self._token()
            self._check(token)
            self._session = token.open(user_pin=self._pin())
        except _PIN_REFUSED as error:
            self._refused = f"The token {self._label} refuses the PIN ({type(error).__name__})."
            raise KeyUnavailable(self._refused, hint=_PIN_HINT) from None
        except NoSuchToken as error:
            raise KeyUnavailable(
                f"The token {self._label} is not there.",
                hint="Insert or connect it, or correct keys.pkcs11.token_label; then try again.",
            ) from error
        except PKCS11Error as error:
            raise self._failed(error) from error
        self._starts = self._library.starts
        self.number += 1

    def _token(self) -> Any:
        return self._library.handle.get_token(token_label=self._label)

    def _check(self, token: Any) -> None:
        if token.flags & (TokenFlag.USER_PIN_FINAL_TRY | TokenFlag.USER_PIN_LOCKED):
            raise KeyUnavailable(
                f"The token {self._label} is locked, or takes one more try of the PIN; it was not tried.",
                hint="Log in once by hand with the right PIN, or let the security officer set a new one.",
            )
        lacking = [one.name for one in NEEDED if one not in token.slot.get_mechanisms()]
        if lacking:
            raise SettingsError(
                f"The token {self._label} cannot do {' and '.join(lacking)}.",
                hint="VanVault needs AES-256-GCM and HMAC-SHA256 in the token; use another one.",
            )

    def _failed(self, error: PKCS11Error) -> KeyUnavailable:
        return KeyUnavailable(
            f"The token {self._label} does not do its work ({type(error).__name__}).",
            hint="See that it is connected and that its service runs. A node goes on by itself after that.",
        )


_PIN_HINT = (
    "It is not tried again, because tokens lock up after a few wrong ones. Correct what"
    " keys.pkcs11.pin_file or pin_command gives, then start VanVault again."
)

_guard = threading.Lock()
_libraries: dict[Path, _Library] = {}
_sessions: dict[tuple[Path, str], TokenSession] = {}


def token_session(module: Path, token_label: str, pin: Callable[[], str]) -> TokenSession:
    """The process's session at a token; no login yet. Raises SettingsError when the module cannot be used."""
    path = module.resolve()
    with _guard:
        if path not in _libraries:
            _libraries[path] = _Library(path)
        found = _sessions.setdefault((path, token_label), TokenSession(_libraries[path], token_label))
    found.use_pin(pin)
    return found

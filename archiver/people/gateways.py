"""Gateways and their bearer tokens. Only SHA-256 digests of tokens are kept.

A token holds 256 random bits, so a plain digest cannot be searched for it; a slow password hash
would add nothing but a way to exhaust the node.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

from vanvault.archiver.core.errors import AccessDenied, Conflict, InvalidInput, NotFound, SettingsError
from vanvault.archiver.core.model import SYSTEM_GATEWAY
from vanvault.archiver.core.ports import Clock, Entropy
from vanvault.archiver.disk import replace_file

GATEWAYS_FILE = "gateways.json"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_TOKEN_BYTES = 32
POLICIES = ("all", "any")


class Gateways:
    """The gateways of a home; changes by another process are seen at the next call."""

    def __init__(self, home: Path) -> None:
        self._path = home / GATEWAYS_FILE
        self._seen: tuple[int, int, int] | None = None
        self._digests: Mapping[str, str] = {}
        self._policies: Mapping[str, str] = {}

    def add(self, name: str, entropy: Entropy, clock: Clock, *, policy: str | None = None) -> str:
        """Make a gateway and return its token, which is shown once and kept nowhere.

        ``policy``: ``all`` or ``any``; None: the appliance's.

        Raises InvalidInput (name), Conflict (it exists).
        """
        if not _NAME.fullmatch(name) or name == SYSTEM_GATEWAY:
            raise InvalidInput(
                f"{name[:40]!r} is no gateway name",
                field="gateway",
                hint="Use 1 to 64 of a-z, 0-9, dot, dash and underscore, not starting with a sign.",
            )
        entries = self._load()
        if name in entries:
            raise Conflict(f"the gateway {name} exists already", hint="Its token cannot be shown again.")
        token = "vv1_" + base64.urlsafe_b64encode(entropy.token(_TOKEN_BYTES)).decode().rstrip("=")
        entries[name] = {"token_sha256": digest_of(token), "added_at": clock.now().isoformat()}
        if policy is not None:
            entries[name]["policy"] = _checked(policy)
        self._store(entries)
        return token

    def names(self) -> list[str]:
        """All gateways, sorted."""
        return sorted(self._load())

    @property
    def count(self) -> int:
        """How many there were when the file was last looked at; ``authenticate`` looks."""
        return len(self._digests)

    def set_policy(self, name: str, policy: str | None) -> None:
        """When this gateway's entries are acknowledged; None: as the appliance's policy says.

        Raises NotFound, InvalidInput.
        """
        entries = self._load()
        if name not in entries:
            raise NotFound(f"there is no gateway {name[:64]}")
        entries[name].pop("policy", None)
        if policy is not None:
            entries[name]["policy"] = _checked(policy)
        self._store(entries)

    def policy_of(self, name: str) -> str | None:
        """The gateway's own policy, or None: the appliance's. Raises SettingsError."""
        self._refresh()
        return self._policies.get(name)

    def has_any(self) -> bool:
        """Is any gateway under the policy ``any``? Raises SettingsError."""
        self._refresh()
        return "any" in self._policies.values()

    def remove(self, name: str) -> None:
        """Take a gateway's token away; what it archived stays. Raises NotFound."""
        entries = self._load()
        if entries.pop(name, None) is None:
            raise NotFound(f"there is no gateway {name[:64]}")
        self._store(entries)

    def authenticate(self, token: str) -> str:
        """The gateway whose token this is. Raises AccessDenied.

        The look-up is by digest, so its timing tells nothing about any token.
        """
        self._refresh()
        name = self._digests.get(digest_of(token))
        if name is None:
            raise AccessDenied("the bearer token is not known here", hint="Ask the operator for a token.")
        return name

    def _refresh(self) -> None:
        try:
            status = self._path.stat()
        except OSError as error:
            raise SettingsError(f"{self._path.name} cannot be read: {error.strerror}") from error
        seen = (status.st_ino, status.st_mtime_ns, status.st_size)
        if seen != self._seen:
            entries = self._load()
            self._digests = {fields["token_sha256"]: name for name, fields in entries.items()}
            self._policies = {n: fields["policy"] for n, fields in entries.items() if "policy" in fields}
            self._seen = seen

    def _load(self) -> dict[str, dict[str, str]]:
        try:
            loaded: dict[str, dict[str, str]] = json.loads(self._path.read_text(encoding="utf-8"))
            return loaded
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise SettingsError(f"{self._path.name} cannot be read: {error}") from error

    def _store(self, entries: Mapping[str, Mapping[str, str]]) -> None:
        replace_file(self._path, json.dumps(entries, indent=2, sort_keys=True).encode())


def _checked(policy: str) -> str:
    if policy not in POLICIES:
        raise InvalidInput(f"{policy[:20]!r} is no policy", field="policy", hint="all or any")
    return policy


def digest_of(token: str) -> str:
    """SHA-256 (hex) of a token, as it is stored."""
    return hashlib.sha256(token.encode()).hexdigest()

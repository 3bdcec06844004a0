"""The port to an identity provider: two kinds of request, bounded in size and time by who implements it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from vanvault.archiver.core.errors import Busy


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    """What the provider answered; ``body`` may hold tokens."""

    status: int
    body: bytes = field(repr=False)

    def json(self) -> dict[str, Any]:
        """The body as a JSON object. Raises Busy: it is none, so this is not the provider that answers."""
        try:
            value = orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise provider_away("its answer is not JSON") from error
        if not isinstance(value, dict):
            raise provider_away("its answer is no JSON object")
        return value


class ProviderHttp(Protocol):
    """Requests to the provider. Each raises Busy: no whole answer came in time, or one that is too long."""

    def get(self, url: str) -> ProviderAnswer: ...

    def post(
        self, url: str, fields: Mapping[str, str], basic: tuple[str, str] | None = None
    ) -> ProviderAnswer:
        """A form; ``basic``: id and secret of the client for the Authorization header."""
        ...


def provider_away(why: str) -> Busy:
    """The provider cannot be asked at this moment."""
    return Busy(
        f"the identity provider does not answer as it should: {why}",
        retry_after=10,
        hint="Wait and sign on again; sealed credentials for emergencies work without the provider.",
    )

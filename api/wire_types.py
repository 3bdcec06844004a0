"""Types of members that many models of the wire have."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

Time = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Sha512 = Annotated[str, Field(pattern="^[0-9a-f]{128}$")]
KeyId = Annotated[str, Field(pattern="^[0-9a-f]{16}$")]
Base64 = Annotated[str, WithJsonSchema({"type": "string", "contentEncoding": "base64"})]
Count = Annotated[int, Field(ge=0)]
ClientId = Annotated[str, Field(min_length=1, max_length=200)]
Value = Annotated[str, Field(max_length=256)]


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


def absent(description: str = "") -> Any:
    """A member that may be left out; it is null only where its type says so."""
    return Field(default=None, description=description or None, json_schema_extra=_without_default)

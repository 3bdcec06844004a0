"""The section ``[mail]``: by which server, and to whom, planned stops are announced."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

#: One address, as a mail server takes it: no name beside it, no line break, no second one.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")


class MailSettings(BaseModel):
    """The mail server, and the addresses that a planned stop is announced to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str | None = Field(default=None, min_length=1, description="name of the mail server; unset: none")
    port: int = Field(default=587, ge=1, le=65_535, description="its port")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="how the connection is protected; none: only on this host"
    )
    user: str | None = Field(default=None, description="account at the server; unset: none is needed")
    password_file: str | None = Field(default=None, description="file with its password, mode 0600")
    ca_file: str | None = Field(default=None, description="PEM file of the server's own CA")
    sender: str = Field(default="vanvault@localhost", description="address from which notices come")
    announce_to: tuple[str, ...] = Field(
        default=(), max_length=1000, description="addresses that planned stops are announced to"
    )
    timeout_s: float = Field(default=20, gt=0, le=300, description="seconds that an answer may take")

    @field_validator("sender", "announce_to")
    @classmethod
    def _real_addresses(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for one in (value,) if isinstance(value, str) else value:
            if not _ADDRESS.fullmatch(one):
                raise ValueError("must be addresses such as phong-it@bhxh.example.vn, without names")
        return value

    @field_validator("user")
    @classmethod
    def _with_password(cls, value: str | None) -> str | None:
        return value or None

"""The section ``[sign_on]``: how people sign on, and how long that is good."""

from __future__ import annotations

import re
from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field, model_validator

#: As a browser writes it (RFC 6454, 6.2): in small letters; without TLS of this very machine only.
_ORIGIN = re.compile(r"(?:https://([a-z0-9.-]+)|http://(localhost))(?::[0-9]{1,5})?")


class _SignOnSection(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ProviderSettings(_SignOnSection):
    """An identity provider that speaks OpenID Connect."""

    issuer: str | None = Field(default=None, description="its https address, exactly as its tokens say it")
    client_id: str | None = Field(default=None, description="how this archive is registered there")
    client_secret_file: str | None = Field(
        default=None, description="file with the client's secret, mode 0600; unset: a public client"
    )
    redirect_uri: str | None = Field(
        default=None, description="https://HOST/v1/oidc/callback, exactly as it is registered there"
    )
    ca_file: str | None = Field(default=None, description="PEM file of the provider's own CA")
    scopes: tuple[str, ...] = Field(default=("openid",), description="what is asked for")
    acr: tuple[str, ...] = Field(
        default=(), description="levels of sign-on, of which its tokens must name one; none: any"
    )
    amr: tuple[str, ...] = Field(
        default=(), description="methods of sign-on, of which its tokens must name one; none: any"
    )
    max_age_s: int | None = Field(
        default=None, ge=1, le=86_400, description="seconds since the person signed on there; unset: any"
    )
    skew_s: int = Field(default=60, ge=0, le=300, description="seconds that its clock may be off")
    recheck_s: int = Field(
        default=300, ge=10, le=300, description="seconds of use after which it is asked again"
    )
    groups_claim: str = Field(default="groups", min_length=1, description="where its tokens name groups")
    groups: dict[str, tuple[str, ...]] = Field(
        default={}, description="by group, the roles on record that it lets an account use"
    )

    @model_validator(mode="after")
    def _whole(self) -> ProviderSettings:
        if self.issuer is not None and not (self.client_id and self.redirect_uri):
            raise ValueError("a provider needs issuer, client_id and redirect_uri")
        return self


class SignOnSettings(_SignOnSection):
    """How people sign on."""

    local: bool = Field(default=True, description="accounts may sign on with a password kept in the archive")
    two_factors: bool = Field(default=True, description="a password alone is not enough")
    idle_s: int = Field(
        default=900, ge=60, le=3600, description="seconds without a request after which a session ends"
    )
    longest_s: int = Field(default=28_800, ge=300, le=86_400, description="longest session")
    origins: tuple[str, ...] = Field(
        default=(), description="of the pages that ask authenticators, such as https://archive.example.vn"
    )
    provider: ProviderSettings = ProviderSettings()

    @model_validator(mode="after")
    def _origins(self) -> SignOnSettings:
        party = ""
        for one in self.origins:
            told = _ORIGIN.fullmatch(one)
            if told is None:
                raise ValueError(f"{one[:60]} is no origin: write https://HOST or https://HOST:PORT")
            host = told[1] or told[2]
            party = party or host
            if host != party and not host.endswith(f".{party}"):
                raise ValueError("the first origin's host must be that of the others, or above them")
        return self

    @property
    def idle(self) -> timedelta:
        return timedelta(seconds=self.idle_s)

    @property
    def longest(self) -> timedelta:
        return timedelta(seconds=self.longest_s)

"""``gateways.json``: the roster as bytes. Pure.

::

    {"format": 2,
     "gateways":   [{"id", "name", "added_at", "tokens", and, where it has one, "policy", "removed_at"}],
     "unrecorded": [{"nonce", "kind", "at", "detail"}]}

A token is ``{"id", "sha256", "added_at", "scopes"}``, and where it is limited ``not_before``, ``not_after``
and ``networks``. Times are RFC 3339.

The form before had no ``format``: ``{name: {"token_sha256", "added_at", maybe "policy"}}``. It is read as
gateways with one token each; their ids follow from the file, so that every process that reads it, on any
host, finds the same ones. The first change writes the new form.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from vanvault.archiver.core.errors import InvalidInput, SettingsError
from vanvault.archiver.core.times import parse_rfc3339, rfc3339_us, to_us
from vanvault.archiver.people.roster import Gateway, Roster, RosterAct, RosterChange, Token, token_id
from vanvault.archiver.people.terms import TokenTerms

FORMAT = 2


def decode_roster(data: bytes, name: str) -> Roster:
    """The roster in the bytes of the file ``name``, of either form. Raises SettingsError."""
    try:
        content = json.loads(data)
        form = content.get("format")
        if not isinstance(form, int):
            return _of_first_form(content)
        if form != FORMAT:
            raise SettingsError(
                f"{name} has the format {form}, which this version does not know",
                hint="Use the version of VanVault that wrote it.",
            )
        return Roster(
            tuple(map(_gateway, content["gateways"])), tuple(map(_change, content.get("unrecorded", ())))
        )
    except (ValueError, KeyError, TypeError, AttributeError, InvalidInput) as error:
        raise SettingsError(
            f"{name} cannot be read: {error}", hint="Bring it back from a backup: vanvault backup restore."
        ) from error


def encode_roster(roster: Roster) -> bytes:
    """The bytes of the file, in the form of now."""
    content = {
        "format": FORMAT,
        "gateways": [_gateway_as_json(gateway) for gateway in roster.gateways],
        "unrecorded": [
            {"nonce": one.nonce, "kind": one.kind, "at": _text(one.at), "detail": dict(one.detail)}
            for one in roster.unrecorded
        ],
    }
    return (json.dumps(content, indent=2) + "\n").encode()


def _of_first_form(content: Mapping[str, Mapping[str, str]]) -> Roster:
    roster = Roster()
    for name, fields in sorted(content.items()):
        sha256, added_at = fields["token_sha256"], parse_rfc3339(fields["added_at"])
        seed = f"vanvault gateway\0{name}\0{fields['added_at']}\0{sha256}".encode()
        digest = hashlib.sha256(seed).hexdigest()
        gateway = Gateway(
            id=f"g-{digest[:16]}",
            name=name,
            added_at=added_at,
            tokens=(Token(token_id(sha256), sha256, added_at),),
            policy=fields.get("policy"),
        )
        roster = roster.adopt(RosterAct(added_at, "", digest[16:32]), gateway)
    return roster


def _gateway(fields: Mapping[str, Any]) -> Gateway:
    removed_at = fields.get("removed_at")
    return Gateway(
        id=str(fields["id"]),
        name=str(fields["name"]),
        added_at=parse_rfc3339(fields["added_at"]),
        tokens=tuple(map(_token, fields["tokens"])),
        policy=fields.get("policy"),
        removed_at=parse_rfc3339(removed_at) if removed_at else None,
    )


def _token(fields: Mapping[str, Any]) -> Token:
    begin, end = fields.get("not_before"), fields.get("not_after")
    if not fields["scopes"]:
        raise ValueError(f"the token {fields['id']} has no scope")
    terms = TokenTerms.of(
        scopes=fields["scopes"],
        not_before=parse_rfc3339(begin) if begin else None,
        not_after=parse_rfc3339(end) if end else None,
        networks=fields.get("networks", ()),
    )
    return Token(str(fields["id"]), str(fields["sha256"]), parse_rfc3339(fields["added_at"]), terms)


def _change(fields: Mapping[str, Any]) -> RosterChange:
    return RosterChange(
        str(fields["nonce"]), str(fields["kind"]), parse_rfc3339(fields["at"]), dict(fields["detail"])
    )


def _gateway_as_json(gateway: Gateway) -> dict[str, object]:
    fields: dict[str, object] = {
        "id": gateway.id,
        "name": gateway.name,
        "added_at": _text(gateway.added_at),
        "tokens": [
            {"id": one.id, "sha256": one.sha256, "added_at": _text(one.added_at), **one.terms.as_json()}
            for one in gateway.tokens
        ],
    }
    if gateway.policy is not None:
        fields["policy"] = gateway.policy
    if gateway.removed_at is not None:
        fields["removed_at"] = _text(gateway.removed_at)
    return fields


def _text(at: datetime) -> str:
    return rfc3339_us(to_us(at))

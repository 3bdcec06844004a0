"""Reports that are signed: one canonical JSON object, verifiable offline. Pure.

``signature`` is Ed25519 over three lines, each ended by 0x0A: the heading of the form, the archive id, and
the SHA-256 (hex) of the canonical JSON (RFC 8785) of the report without ``signature``. Times are RFC 3339;
durations are whole milliseconds, because canonical JSON has no fractions here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vanvault.archiver.core.canonical import canonical, parse_canonical
from vanvault.archiver.core.errors import Damaged, InvalidInput
from vanvault.archiver.keys import SigningKey, verify

Report = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SignedForm:
    """One kind of signed report."""

    format: str  # field ``format`` of each, such as "vanvault-drill-v1"
    heading: str  # first line of what is signed
    what: str  # for people: "report of a drill"

    def signed(self, body: Report, signer: SigningKey) -> bytes:
        """The report, canonical and signed. ``body`` has ``archive`` and ``signing_key``."""
        signature = base64.b64encode(signer.sign(self._statement(body))).decode()
        return canonical({**body, "signature": signature})

    def verified(self, data: bytes, public_key: Callable[[str], Ed25519PublicKey]) -> Report:
        """The report in ``data``, once its signature is proved.

        Args:
            public_key: gives the key of a key id; raises KeyUnavailable for one that it does not trust.

        Raises InvalidInput (no report), Damaged (it was changed, or signed by another), KeyUnavailable.
        """
        report = self.parsed(data)
        try:
            signature = base64.b64decode(report["signature"], validate=True)
            key_id, body = str(report["signing_key"]), without_signature(report)
            statement = self._statement(body)
        except (KeyError, TypeError, binascii.Error) as error:
            raise InvalidInput("this report is not signed") from error
        verify(public_key(key_id), signature, statement)
        return report

    def parsed(self, data: bytes) -> Report:
        """The report in ``data``, not verified. Raises Damaged (not canonical), InvalidInput (no report)."""
        report = parse_canonical(data)
        if not isinstance(report, dict) or report.get("format") != self.format:
            raise InvalidInput(f"this is no {self.what}", hint="Give the report.json of its evidence.")
        return report

    def _statement(self, body: Report) -> bytes:
        digest = hashlib.sha256(canonical(body)).hexdigest()
        return f"{self.heading}\n{body['archive']}\n{digest}\n".encode()


def without_signature(report: Report) -> Report:
    """What is signed of a report."""
    return {name: value for name, value in report.items() if name != "signature"}


def public_keys_of(pems: Mapping[str, Ed25519PublicKey]) -> Callable[[str], Ed25519PublicKey]:
    """A ``public_key`` for ``SignedForm.verified`` that trusts just these keys, by key id."""

    def find(key_id: str) -> Ed25519PublicKey:
        if key_id not in pems:
            raise Damaged("the report was signed with a key that is not trusted here")
        return pems[key_id]

    return find

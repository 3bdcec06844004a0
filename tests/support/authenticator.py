"""An authenticator in software (WebAuthn level 3): makes credentials and proves that their owner is there."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

PRESENT, VERIFIED, WITH_CREDENTIAL = 0x01, 0x04, 0x40


def text_of(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class SoftAuthenticator:
    """One credential of one device. What a test sets here, the next answer follows."""

    origin: str = "https://archive.example.vn"
    party: str = "archive.example.vn"
    id: bytes = b"credential-1"
    flags: int = PRESENT | VERIFIED
    counter: int = 0
    cross_origin: bool = False
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def create(self, challenge: bytes) -> str:
        """The answer to ``navigator.credentials.create``."""
        client = self._client("webauthn.create", challenge)
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": self._data(WITH_CREDENTIAL)})
        return self._answer({"clientDataJSON": text_of(client), "attestationObject": text_of(attestation)})

    def get(self, challenge: bytes) -> str:
        """The answer to ``navigator.credentials.get``; the counter grows."""
        self.counter += 1
        client, data = self._client("webauthn.get", challenge), self._data(0)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        told = {"clientDataJSON": client, "authenticatorData": data, "signature": signature}
        return self._answer({name: text_of(value) for name, value in told.items()})

    def _answer(self, response: dict[str, str]) -> str:
        told: dict[str, Any] = {"id": text_of(self.id), "rawId": text_of(self.id), "type": "public-key"}
        return json.dumps(told | {"response": response, "clientExtensionResults": {}})

    def _client(self, kind: str, challenge: bytes) -> bytes:
        told = {"type": kind, "challenge": text_of(challenge), "origin": self.origin}
        return json.dumps(told | {"crossOrigin": self.cross_origin}).encode()

    def _data(self, flags: int) -> bytes:
        head = hashlib.sha256(self.party.encode()).digest()
        head += bytes([self.flags | flags]) + self.counter.to_bytes(4, "big")
        if not flags:
            return head
        numbers = self.key.public_key().public_numbers()
        x, y = (one.to_bytes(32, "big") for one in (numbers.x, numbers.y))
        public = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        return head + bytes(16) + len(self.id).to_bytes(2, "big") + self.id + public

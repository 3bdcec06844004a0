"""Signatures of the sample messages: real XML-DSig, with keys that protect nothing.

THESE ARE PUBLIC SAMPLE KEYS. Their primes are printed below so that the same seed gives the same bytes,
signatures included. Nothing may ever trust a certificate that they sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.signer import XMLSigner

#: Where ``sign`` puts the signature.
PLACEHOLDER = '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Id="placeholder"/>'

_SIGNER = XMLSigner()  # enveloped, RSA-SHA256, Canonical XML 1.1
_VALID_FROM = datetime(2020, 1, 1, tzinfo=UTC)
_VALID_TO = datetime(2050, 1, 1, tzinfo=UTC)
_ISSUER = "VanVault sample CA (protects nothing)"

_PRIMES = {
    "signer": (
        "e72769095e2b4101ef77019c3d6fadf976f4676886f7606313e65668beba18fc"
        "db5e171a5b05ceb30acac04aa1af7f07b7ff3ed4c475d59e26bb82571cd4d97f"
        "04ba2570ad8afdc87de77575dcc764d8f9b6d15b54b23d1dcefa32cd56c296d9"
        "36d23865866241fa4b582646a282d078a0f3e2d89c21a26fa11904f603d9f6d3",
        "d1aa90c44f6aed6a21a0fd3f549307de58a05f633e7d99dec205300d15dadd45"
        "76d1c4b8cc6ddd5c900760f08cb581355dd6e6a4180817f8c266dc44de667750"
        "932e515aef8dbd7ead54db2c2935a9038bea06b1803523e63e5c93ab6dddf930"
        "c4eba5091b4d35bfecb173a2d7e9733fe1b8c109b427aa4a2e433578b29ec7e7",
    ),
    "issuer": (
        "e99db7f22983c3344d6b61662fa652fa6bbd062a4e272d5b36d8b652a8eefe78"
        "2a89922cc61a6f39ef8b377572eaeb28552722a7e6266514a07d043981ac36dd"
        "a81562b48c43f79581333743b3d59cf45d8a3d3598abc56c264b72a766d89217"
        "a57b67a1cf56e4ed886af6fe0151bcb44879282b5d48d5fa467ecd6deab3b785",
        "b5e3db60271f616a2b2e33f8651a620a4ffbc7f3daa1c2548189112a3d8d7026"
        "81508596dfb8b0c5c32d14f1522905cbcb2add33d263f2363446393c9c215ea0"
        "05a71dec7d830c8d5b342bd08099f8dde87e500ee37c6219488165884dae0434"
        "68c4b6ef0d32b737a906e87bb1c2b6c0b33e585a8becbb5c4bf6ea6d009425f5",
    ),
}


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs: the subject of the certificate. All signers share one key."""

    name: str
    code: str  # the unit's tax code, as certificates for units carry it


@lru_cache(maxsize=2)
def _key(role: str) -> rsa.RSAPrivateKey:
    p, q = (int(prime, 16) for prime in _PRIMES[role])
    exponent = 65537
    d = pow(exponent, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(
        p=p,
        q=q,
        d=d,
        dmp1=d % (p - 1),
        dmq1=d % (q - 1),
        iqmp=pow(q, -1, p),
        public_numbers=rsa.RSAPublicNumbers(exponent, p * q),
    )
    return numbers.private_key()


@lru_cache(maxsize=1024)
def certificate(signer: Signer) -> x509.Certificate:
    """The signer's certificate; the same bytes for the same signer."""
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
            x509.NameAttribute(NameOID.COMMON_NAME, signer.name[:64]),
            x509.NameAttribute(NameOID.USER_ID, f"MST:{signer.code}"),
        ]
    )
    builder = x509.CertificateBuilder(
        issuer_name=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _ISSUER)]),
        subject_name=subject,
        public_key=_key("signer").public_key(),
        serial_number=int(signer.code) + 1,
        not_valid_before=_VALID_FROM,
        not_valid_after=_VALID_TO,
    )
    return builder.sign(_key("issuer"), hashes.SHA256())


def sign(xml: str, signer: Signer) -> bytes:
    """The document as UTF-8, with an enveloped RSA-SHA256 signature in place of its PLACEHOLDER."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    document = etree.fromstring(xml.encode(), parser)
    signed = _SIGNER.sign(document, key=_key("signer"), cert=[certificate(signer)])
    body: bytes = etree.tostring(signed, xml_declaration=True, encoding="UTF-8")
    return body

"""Tokens of a provider: what is forged, replayed, late or meant for others is refused."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwk, jwt

from tests.support.clocks import ManualClock
from tests.support.identity_provider import (
    ALL_ALGORITHMS,
    CLIENT,
    LOGOUT_EVENT,
    SUBJECT,
    FakeProvider,
    new_key,
)
from vanvault.archiver.core.errors import AccessDenied, SettingsError
from vanvault.archiver.core.ports import ClockStopwatch
from vanvault.archiver.people.accounts import ProviderIdentity
from vanvault.archiver.people.sign_on.oidc import (
    ProviderClient,
    ProviderKeys,
    TokenCheck,
    TokenRules,
)

BACK = "https://archive.example.vn/v1/oidc/callback"
#: Made once: keys are slow to make.
KEY, OTHER, RSA, OKP = new_key("k1"), new_key("k1"), new_key("r1", "RSA"), new_key("o1", "OKP")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def provider(clock: ManualClock) -> FakeProvider:
    return FakeProvider(clock, keys=[RSA, OKP, KEY])


def checking(provider: FakeProvider, rules: TokenRules | None = None) -> TokenCheck:
    keys = ProviderKeys(
        lambda: provider.get(f"{provider.issuer}/keys").json(), ClockStopwatch(provider.clock)
    )
    client = ProviderClient(provider.issuer, CLIENT, BACK)
    return TokenCheck(client, rules or TokenRules(), keys, provider.clock.now)


def refused(check: TokenCheck, token: str, *, nonce: str | None = "n1") -> str:
    with pytest.raises(AccessDenied) as found:
        check.id_token(token, nonce=nonce)
    return str(found.value)


@pytest.mark.parametrize("key", [KEY, RSA, OKP], ids=["ES256", "RS256", "Ed25519"])
def test_a_good_token_says_who_it_is(provider: FakeProvider, key: Any) -> None:
    proof = checking(provider).id_token(provider.signed(key=key, nonce="n1", email="boss@x"), nonce="n1")
    assert proof.identity == ProviderIdentity(provider.issuer, SUBJECT)
    assert (proof.session, proof.acr, proof.groups) == ("at-the-provider-1", "2", ("auditors",))
    assert proof.amr == ("pwd", "otp")


#: What is wrong with the claims -> what the refusal names.
WRONG_CLAIMS: dict[str, tuple[dict[str, Any], str]] = {
    "another issuer": ({"iss": "https://login.example.vn/staff/"}, "issuer"),
    "no issuer": ({"iss": None}, "issuer"),
    "another audience": ({"aud": "payroll"}, "aud"),
    "no audience": ({"aud": None}, "aud"),
    "an audience that is no text": ({"aud": {"archive": 1}}, "aud"),
    "an audience beside ours": ({"aud": [CLIENT, "payroll"]}, "aud"),
    "another client asked": ({"azp": "payroll"}, "azp"),
    "another nonce": ({"nonce": "n2"}, "nonce"),
    "no nonce": ({"nonce": None}, "nonce"),
    "a nonce that is a list": ({"nonce": ["n1"]}, "nonce"),
    "no end": ({"exp": None}, "end"),
    "an end that is a text": ({"exp": "9999999999"}, "exp"),
    "an end that is true": ({"exp": True}, "exp"),
    "an end beyond reason": ({"exp": 1e300}, "exp"),
    "no beginning": ({"iat": None}, "iat"),
    "no subject": ({"sub": None}, "subject"),
    "an empty subject": ({"sub": ""}, "subject"),
    "a subject that is a number": ({"sub": 7}, "subject"),
    "a subject of 256 characters": ({"sub": "x" * 256}, "subject"),
    "a subject with a line end": ({"sub": "lan\nroot"}, "subject"),
    "an order to sign off": ({"events": {LOGOUT_EVENT: {}}}, "logout"),
}


@pytest.mark.parametrize(("claims", "named"), WRONG_CLAIMS.values(), ids=WRONG_CLAIMS)
def test_a_token_with_a_wrong_claim_is_refused(
    provider: FakeProvider, claims: dict[str, Any], named: str
) -> None:
    assert named in refused(checking(provider), provider.signed(**({"nonce": "n1"} | claims)))


#: What is wrong with the header.
WRONG_HEADERS: dict[str, dict[str, Any]] = {
    "no key of the provider": {"kid": "k9"},
    "another key of the provider": {"kid": "r1"},
    "an algorithm of another key": {"alg": "ES384"},
    "an access token": {"typ": "at+jwt"},
    "a logout token": {"typ": "logout+jwt"},
}


@pytest.mark.parametrize("header", WRONG_HEADERS.values(), ids=WRONG_HEADERS)
def test_a_token_with_a_wrong_header_is_refused(provider: FakeProvider, header: dict[str, Any]) -> None:
    token = provider.signed(nonce="n1")
    refused(checking(provider), with_header(token, header, provider.keys[-1]))


def with_header(token: str, header: dict[str, Any], key: Any) -> str:
    """The same claims under another header, signed by the same key where the library lets us."""
    claims = part(token, 1)
    told = part(token, 0) | header
    try:
        return jwt.encode(told, claims, key, ALL_ALGORITHMS)
    except Exception:  # noqa: BLE001 - then with the old signature
        return ".".join([coded(told), token.split(".")[1], token.split(".")[2]])


def part(token: str, number: int) -> dict[str, Any]:
    text = token.split(".")[number]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return found


def coded(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_no_signature_is_no_signature(provider: FakeProvider) -> None:
    token = provider.signed(nonce="n1")
    for algorithm in ("none", "None", "NONE", "", None):
        bare = ".".join([coded({"alg": algorithm, "kid": "k1"}), token.split(".")[1], ""])
        refused(checking(provider), bare)
    refused(checking(provider), token.rpartition(".")[0] + ".")


@pytest.mark.parametrize("key", [RSA, KEY], ids=["RSA", "EC"])
@pytest.mark.parametrize("form", ["PEM", "DER", "JWK"])
def test_a_public_key_is_no_shared_secret(provider: FakeProvider, key: Any, form: str) -> None:
    """Algorithm confusion: HS256 with the bytes of the provider's public key, which everybody has."""
    if form == "JWK":
        known = json.dumps(key.as_dict(private=False)).encode()
    else:
        known = key.as_bytes(encoding=form, private=False)
    claims = provider.signed(key=key, nonce="n1").split(".")[1]
    text = f"{coded({'alg': 'HS256', 'kid': key.kid})}.{claims}"
    signature = hmac.digest(known, text.encode(), "sha256")
    forged = f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    assert "algorithm" in refused(checking(provider), forged)


def test_a_secret_among_the_published_keys_is_not_used(provider: FakeProvider) -> None:
    shared = jwk.OctKey.generate_key(256, {"kid": "s1"})
    provider.published = [*provider.keys, shared]
    refused(checking(provider), provider.signed(key=shared, nonce="n1"))


def test_a_key_that_the_token_brings_is_not_used(provider: FakeProvider) -> None:
    mine = new_key("k1")
    for header in (
        {"jwk": mine.as_dict(private=False)},
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/cert"},
        {"kid": "../../../dev/null"},
        {"kid": None, "jwk": mine.as_dict(private=False)},
    ):
        told = {name: value for name, value in header.items() if value is not None}
        token = jwt.encode(
            {"alg": "ES256", "kid": "k1", **told} if "kid" not in header else {"alg": "ES256", **told},
            {**part(provider.signed(nonce="n1"), 1)},
            mine,
            ALL_ALGORITHMS,
        )
        refused(checking(provider), token)
    assert set(provider.asked) == {"/keys"}


def test_an_extension_that_must_be_understood_is_refused(provider: FakeProvider) -> None:
    token = provider.signed(nonce="n1")
    header = part(token, 0) | {"crit": ["exp"], "exp": 1}
    refused(checking(provider), ".".join([coded(header), *token.split(".")[1:]]))


def test_the_signature_of_another_key_of_that_name_is_refused(provider: FakeProvider) -> None:
    refused(checking(provider), provider.signed(key=OTHER, nonce="n1"))


def test_a_key_that_is_meant_for_encryption_or_too_short_is_not_used(provider: FakeProvider) -> None:
    short = jwk.RSAKey.generate_key(1024, {"kid": "short"})
    provider.published = [short, jwk.ECKey.generate_key("P-256", {"kid": "enc", "use": "enc"}), KEY]
    refused(checking(provider), provider.signed(key=short, nonce="n1"))
    check = checking(provider)
    assert check.id_token(provider.signed(nonce="n1"), nonce="n1")


@given(off=st.integers(-2000, 2000))
def test_times_hold_within_the_skew(off: int) -> None:
    """A clock that is off by ``off`` seconds: taken within a minute ahead, and until the end behind."""
    clock = ManualClock()
    provider = FakeProvider(clock, keys=[KEY])
    token, check = provider.signed(nonce="n1"), checking(provider)
    clock.advance(timedelta(seconds=off))
    if -60 <= off < 300 + 60:
        assert check.id_token(token, nonce="n1")
    else:
        refused(check, token)


def test_a_token_that_was_made_long_ago_is_refused_though_its_end_is_far(
    provider: FakeProvider, clock: ManualClock
) -> None:
    end = int(clock.now().timestamp()) + 10**6
    token = provider.signed(nonce="n1", exp=end)
    clock.advance(timedelta(minutes=12))
    assert "too long ago" in refused(checking(provider), token)


def test_a_token_that_is_not_good_yet_is_refused(provider: FakeProvider, clock: ManualClock) -> None:
    later = int(clock.now().timestamp()) + 61
    assert "yet" in refused(checking(provider), provider.signed(nonce="n1", nbf=later))


def test_strength_and_age_of_the_sign_on_are_held_against_the_rules(
    provider: FakeProvider, clock: ManualClock
) -> None:
    strict = TokenRules(max_age_s=300, acr=("2", "3"), amr=("otp", "hwk"))
    check, now = checking(provider, strict), int(clock.now().timestamp())
    assert check.id_token(provider.signed(nonce="n1"), nonce="n1").authenticated is not None
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"acr": "1"}, "acr"),
        ({"acr": None}, "acr"),
        ({"acr": ["2"]}, "acr"),
        ({"amr": ["pwd"]}, "amr"),
        ({"amr": None}, "amr"),
        ({"amr": "otp"}, "amr"),
        ({"auth_time": now - 361}, "auth_time"),
        ({"auth_time": None}, "auth_time"),
        ({"auth_time": now + 61}, "future"),
    ]
    for claims, named in wrong:
        assert named in refused(check, provider.signed(**({"nonce": "n1"} | claims)))


def test_another_audience_is_taken_where_it_is_named(provider: FakeProvider) -> None:
    check = checking(provider, TokenRules(other_audiences=("payroll",)))
    assert check.id_token(provider.signed(nonce="n1", aud=[CLIENT, "payroll"]), nonce="n1")
    assert "azp" in refused(check, provider.signed(nonce="n1", aud=[CLIENT, "payroll"], azp=None))


@pytest.mark.parametrize("algorithms", [(), ("none",), ("HS256",), ("RS256", "HS256")])
def test_the_rules_take_no_algorithm_with_a_shared_secret(algorithms: tuple[str, ...]) -> None:
    with pytest.raises(SettingsError):
        TokenRules(algorithms=algorithms)


@given(
    groups=st.one_of(
        st.none() | st.integers() | st.text(),
        st.lists(st.one_of(st.none(), st.integers(), st.text(), st.lists(st.text()))),
    )
)
def test_groups_of_any_form_do_no_harm(groups: Any) -> None:
    provider = FakeProvider(ManualClock(), keys=[KEY])
    found = checking(provider).id_token(provider.signed(nonce="n1", groups=groups), nonce="n1").groups
    assert all(isinstance(one, str) and isinstance(groups, list) and one in groups for one in found)


@given(data=st.data())
def test_a_changed_character_of_a_token_is_noticed(data: st.DataObject) -> None:
    provider = FakeProvider(ManualClock(), keys=[KEY])
    token = provider.signed(nonce="n1")
    place = data.draw(st.integers(0, len(token) - 2))  # the last one holds bits that mean nothing
    other = data.draw(st.sampled_from("ABCDxyz019_-.=é "))
    changed = token[:place] + other + token[place + 1 :]
    if changed != token:
        refused(checking(provider), changed)


@given(st.text(max_size=300) | st.sampled_from(["..", "a.b.c", "a.b.c.d.e", "." * 1000, "x" * 100_000]))
def test_foreign_text_is_no_token(text: str) -> None:
    refused(checking(FakeProvider(ManualClock(), keys=[KEY])), text)


def test_a_logout_token_says_whom_it_signs_off(provider: FakeProvider) -> None:
    order = checking(provider).logout_token(provider.logout_token())
    assert (order.subject, order.session, order.id) == (SUBJECT, "at-the-provider-1", "logout-1")
    assert checking(provider).logout_token(provider.logout_token(sid=None)).session == ""


#: What is wrong with a logout token: header, claims.
WRONG_LOGOUTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "an ID token's type": ({"typ": "JWT"}, {}),
    "no type": ({"typ": None}, {}),
    "a nonce": ({}, {"nonce": "n1"}),
    "no event": ({}, {"events": None}),
    "another event": ({}, {"events": {"http://schemas.openid.net/event/other": {}}}),
    "an event that is no object": ({}, {"events": {LOGOUT_EVENT: "yes"}}),
    "events that are a list": ({}, {"events": [LOGOUT_EVENT]}),
    "nobody": ({}, {"sub": None, "sid": None}),
    "no id": ({}, {"jti": None}),
    "another audience": ({}, {"aud": "payroll"}),
    "another issuer": ({}, {"iss": "https://evil.example"}),
    "over": ({}, {"exp": 1_000_000_000}),
    "made long ago": ({}, {"iat": 1_000_000_000}),
}


@pytest.mark.parametrize(("header", "claims"), WRONG_LOGOUTS.values(), ids=WRONG_LOGOUTS)
def test_a_wrong_logout_token_is_refused(
    provider: FakeProvider, header: dict[str, Any], claims: dict[str, Any]
) -> None:
    if header.get("typ", "") is None:
        told = part(provider.logout_token(**claims), 1)
        token = jwt.encode(
            {"alg": "ES256", "kid": "k1"}, told, provider.keys[-1], ALL_ALGORITHMS, default_type=None
        )
    else:
        token = provider.logout_token(header, **claims)
    with pytest.raises(AccessDenied):
        checking(provider).logout_token(token)


def test_an_id_token_signs_nobody_off(provider: FakeProvider) -> None:
    with pytest.raises(AccessDenied):
        checking(provider).logout_token(provider.signed(nonce="n1"))

"""One provider from the first question to the last: sign-on, re-check, keys that change, absence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.clocks import ManualClock
from tests.support.entropy import SeededEntropy
from tests.support.identity_provider import CLIENT, SECRET, SUBJECT, FakeProvider, new_key, served
from vanvault.archiver.core.errors import AccessDenied, Busy, InvalidInput, SettingsError
from vanvault.archiver.core.ports import Ports, SystemStopwatch
from vanvault.archiver.people.accounts import ProviderIdentity
from vanvault.archiver.people.sign_on.oidc import (
    HttpProvider,
    IdentityProvider,
    PendingSignOn,
    ProviderBounds,
    ProviderClient,
    ProviderHttp,
    ProviderMetadata,
    ProviderTokens,
    TokenRules,
    moment_of,
    safe_return,
)

BACK = "https://archive.example.vn/v1/oidc/callback"
KEY, NEXT = new_key("k1"), new_key("k2")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def provider(clock: ManualClock) -> FakeProvider:
    return FakeProvider(clock, keys=[KEY])


def known_as(
    provider: FakeProvider, http: ProviderHttp | None = None, rules: TokenRules | None = None, **client: Any
) -> IdentityProvider:
    """This archive as a client of the provider."""
    told = {"issuer": provider.issuer, "id": CLIENT, "redirect_uri": BACK, "secret": SECRET} | client
    ports = Ports.under(provider.clock, SeededEntropy(5))
    return IdentityProvider(ProviderClient(**told), rules or TokenRules(), http or provider, ports)


def signed_on(provider: FakeProvider, ours: IdentityProvider) -> ProviderTokens:
    address, pending = ours.begin()
    return ours.finish(pending, provider.browse(address))


def test_a_person_signs_on(provider: FakeProvider, clock: ManualClock) -> None:
    found = signed_on(provider, known_as(provider))
    assert found.proof.identity == ProviderIdentity(provider.issuer, SUBJECT)
    assert moment_of(found.proof, clock.now()) == clock.now().replace(microsecond=0) - timedelta(seconds=10)


def test_what_the_browser_carries_is_hashed_bound_and_fresh_each_time(provider: FakeProvider) -> None:
    ours = known_as(provider)
    (first, one), (second, two) = ours.begin(), ours.begin()
    assert "code_challenge_method=S256" in first and one.verifier not in first
    assert len({one.state, one.nonce, one.verifier, two.state, two.nonce, two.verifier}) == 6
    assert "prompt=login&max_age=0" in ours.begin(again=True)[0] and "prompt" not in second


#: What somebody does to the way back.
BENT_ANSWERS: dict[str, Callable[[list[tuple[str, str]]], list[tuple[str, str]]]] = {
    "another state": lambda query: [("state", "x" * 43), *query[1:]],
    "no state": lambda query: query[1:],
    "an empty state": lambda query: [("state", ""), *query[1:]],
    "two states": lambda query: [("state", "other"), *query],
    "two codes": lambda query: [*query, ("code", "another")],
    "no code": lambda query: [query[0], query[2]],
    "an endless code": lambda query: [query[0], ("code", "x" * 5000), query[2]],
    "another provider": lambda query: [*query[:2], ("iss", "https://evil.example")],
    "no provider": lambda query: query[:2],
    "the provider refused": lambda query: [query[0], query[2], ("error", "access_denied")],
    "a code of somebody else": lambda query: [query[0], ("code", "code-99"), query[2]],
}


@pytest.mark.parametrize("bend", BENT_ANSWERS.values(), ids=BENT_ANSWERS)
def test_a_bent_way_back_is_refused(
    provider: FakeProvider, bend: Callable[[list[tuple[str, str]]], list[tuple[str, str]]]
) -> None:
    ours = known_as(provider)
    address, pending = ours.begin()
    with pytest.raises(AccessDenied):
        ours.finish(pending, bend(provider.browse(address)))


def test_a_code_of_another_browser_is_of_no_use(provider: FakeProvider) -> None:
    """Code of an attacker, browser of a victim: state, verifier and nonce all differ."""
    ours = known_as(provider)
    (theirs, _), (_, victim) = ours.begin(), ours.begin()
    brought = dict(provider.browse(theirs))
    with pytest.raises(AccessDenied, match="state"):
        ours.finish(victim, list(brought.items()))
    with pytest.raises(AccessDenied, match="invalid_grant"):  # the state was stolen, too: PKCE holds
        ours.finish(victim, list((brought | {"state": victim.state}).items()))


def test_a_code_is_good_once_and_for_ten_minutes(provider: FakeProvider, clock: ManualClock) -> None:
    ours = known_as(provider)
    address, pending = ours.begin()
    brought = provider.browse(address)
    ours.finish(pending, brought)
    with pytest.raises(AccessDenied):
        ours.finish(pending, brought)
    address, pending = ours.begin()
    clock.advance(timedelta(minutes=10, seconds=1))
    with pytest.raises(AccessDenied, match="ten minutes"):
        ours.finish(pending, provider.browse(address))


def test_a_pending_sign_on_comes_back_from_its_cookie(clock: ManualClock) -> None:
    pending = PendingSignOn.begin(SeededEntropy(1), clock.now(), "/v1/search")
    assert PendingSignOn.of_json(pending.as_json()) == pending
    assert pending.state not in repr(pending)
    for value in (None, {}, {"state": "x"}, "x", [1]):
        with pytest.raises(InvalidInput):
            PendingSignOn.of_json(value)


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\r\nLocation: https://evil.example",
        "/ /evil.example",
        "javascript:alert(1)",
        "evil.example",
        "",
        None,
        "/" + "x" * 2000,
        "/\u2044evil.example",
    ],
)
def test_nobody_is_sent_to_another_site(path: object) -> None:
    assert safe_return(path) == "/"


@given(st.text(max_size=40))
def test_whatever_is_asked_the_way_leads_to_this_site(path: str) -> None:
    found = safe_return(path)
    assert found.startswith("/") and not found.startswith("//") and "\\" not in found and found.isprintable()


def test_a_path_of_this_site_is_kept() -> None:
    assert safe_return("/v1/search?employer=1&from=2026-01-01") == "/v1/search?employer=1&from=2026-01-01"


def test_the_provider_is_asked_again_and_says_when_somebody_is_out(provider: FakeProvider) -> None:
    ours = known_as(provider)
    first = signed_on(provider, ours)
    again = ours.recheck(first.refresh, first.proof.identity)
    assert again.refresh not in ("", first.refresh)
    provider.enabled = False
    with pytest.raises(AccessDenied, match="invalid_grant"):
        ours.recheck(again.refresh, first.proof.identity)


def test_an_answer_about_somebody_else_is_refused(provider: FakeProvider) -> None:
    ours = known_as(provider)
    first = signed_on(provider, ours)
    provider.claims = {"sub": "somebody-else"}
    with pytest.raises(AccessDenied, match="somebody else"):
        ours.recheck(first.refresh, first.proof.identity)


def test_a_device_waits_until_its_person_has_confirmed(provider: FakeProvider) -> None:
    ours = known_as(provider)
    grant = ours.begin_device()
    assert (grant.user_code, grant.interval_s) == ("WDJB-MJHT", 5)
    assert ours.poll_device(grant) == "pending"
    provider.confirmed = True
    found = ours.poll_device(grant)
    assert isinstance(found, ProviderTokens) and found.proof.identity.subject == SUBJECT


def test_a_logout_token_is_good_once(provider: FakeProvider) -> None:
    ours, token = known_as(provider), provider.logout_token()
    assert ours.logout_of(token).subject == SUBJECT
    with pytest.raises(AccessDenied, match="before"):
        ours.logout_of(token)
    assert ours.logout_of(provider.logout_token(jti="logout-2"))


def test_a_new_key_is_found_at_once_and_a_withdrawn_one_is_soon_refused(
    provider: FakeProvider, clock: ManualClock
) -> None:
    ours = known_as(provider)
    signed_on(provider, ours)
    clock.advance(timedelta(seconds=31))
    provider.keys = [NEXT]
    signed_on(provider, ours)
    provider.keys, provider.published = [KEY], [NEXT]  # the old key signs on, though it is not published
    clock.advance(timedelta(seconds=31))
    with pytest.raises(AccessDenied, match="no key"):
        signed_on(provider, ours)


def test_forged_tokens_do_not_make_us_ask_without_end(provider: FakeProvider) -> None:
    ours = known_as(provider)
    signed_on(provider, ours)
    for number in range(50):
        with pytest.raises(AccessDenied):
            ours.logout_of(provider.logout_token({"kid": f"unknown-{number}"}))
    assert provider.asked.count("/keys") == 1


def test_keys_are_used_for_an_hour_while_none_can_be_fetched(
    provider: FakeProvider, clock: ManualClock
) -> None:
    ours = known_as(provider)
    signed_on(provider, ours)
    provider.away.add("/keys")
    clock.advance(timedelta(minutes=59))
    signed_on(provider, ours)
    clock.advance(timedelta(minutes=1))
    with pytest.raises(Busy):
        signed_on(provider, ours)
    clock.advance(timedelta(seconds=31))
    provider.away.clear()
    signed_on(provider, ours)


def test_a_provider_that_is_away_refuses_nobody(provider: FakeProvider, clock: ManualClock) -> None:
    ours = known_as(provider)
    first = signed_on(provider, ours)
    provider.away |= {"/token"}
    with pytest.raises(Busy):
        ours.recheck(first.refresh, first.proof.identity)
    provider.away = {"/.well-known/openid-configuration"}
    clock.advance(timedelta(hours=2))
    assert ours.recheck(first.refresh, first.proof.identity)  # by the old description
    with pytest.raises(Busy):
        known_as(provider).begin()


def test_a_wrong_secret_is_this_hosts_fault_and_nobody_elses(provider: FakeProvider) -> None:
    with pytest.raises(SettingsError, match="invalid_client"):
        signed_on(provider, known_as(provider, secret="old"))


#: What is wrong with the provider's description of itself.
WRONG_DESCRIPTIONS: dict[str, dict[str, Any]] = {
    "another issuer": {"issuer": "https://evil.example"},
    "no issuer": {"issuer": None},
    "no PKCE": {"code_challenge_methods_supported": ["plain"]},
    "keys over http": {"jwks_uri": "http://login.example.vn/keys"},
    "no token endpoint": {"token_endpoint": None},
    "a token endpoint that is no address": {"token_endpoint": ["https://x.example"]},
    "a file": {"token_endpoint": "file:///etc/passwd"},
    "a user in an address": {"authorization_endpoint": "https://login.example.vn@evil.example/"},
    "a host of this machine": {"token_endpoint": "http://127.0.0.1/token"},
    "a port that is none": {"token_endpoint": "https://login.example.vn:99999/"},
}


@pytest.mark.parametrize("change", WRONG_DESCRIPTIONS.values(), ids=WRONG_DESCRIPTIONS)
def test_a_wrong_description_is_refused(provider: FakeProvider, change: dict[str, Any]) -> None:
    provider.description = change
    with pytest.raises(SettingsError):
        known_as(provider).begin()


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "http://login.example.vn/staff"},
        {"issuer": "https://login.example.vn/staff?x=1"},
        {"issuer": "login.example.vn"},
        {"redirect_uri": "http://archive.example.vn/callback"},
        {"redirect_uri": "https://archive.example.vn/callback#x"},
        {"id": ""},
        {"scopes": ("profile",)},
    ],
)
def test_a_client_that_is_not_safe_is_refused(provider: FakeProvider, change: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        known_as(provider, **change)


def test_a_secret_goes_into_the_form_where_the_provider_takes_it_only_there(clock: ManualClock) -> None:
    told = {
        "authorization_endpoint": "https://x.example/a",
        "token_endpoint": "https://x.example/t",
        "jwks_uri": "https://x.example/k",
        "issuer": "https://x.example",
    }
    posts = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert ProviderMetadata.of_json(told | posts, "https://x.example").posts_secret
    assert not ProviderMetadata.of_json(told, "https://x.example").posts_secret


def test_over_real_http_a_person_signs_on(provider: FakeProvider) -> None:
    with served(provider):
        http = HttpProvider()
        ours = known_as(provider, http)
        first = signed_on(provider, ours)
        assert ours.recheck(first.refresh, first.proof.identity).proof.identity.subject == SUBJECT
        http.close()


@pytest.mark.parametrize("fault", ["long", "compressed", "redirects"])
def test_an_answer_that_is_not_plain_and_short_counts_as_none(provider: FakeProvider, fault: str) -> None:
    with served(provider) as wire:
        http = HttpProvider()
        setattr(wire, fault, True)
        with pytest.raises(Busy):
            known_as(provider, http).begin()
        assert provider.asked == ["/.well-known/openid-configuration"]
        http.close()


def test_a_provider_that_says_nothing_is_away(provider: FakeProvider) -> None:
    with served(provider) as wire:
        wire.hangs = True
        http = HttpProvider(bounds=ProviderBounds(silence_s=0.05), stopwatch=SystemStopwatch())
        with pytest.raises(Busy, match="ReadTimeout"):
            known_as(provider, http).begin()
        http.close()


def test_a_provider_where_nobody_listens_is_away(provider: FakeProvider) -> None:
    with served(provider):
        pass
    http = HttpProvider()
    with pytest.raises(Busy, match="ConnectError"):
        known_as(provider, http).begin()
    http.close()

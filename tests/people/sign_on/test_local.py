"""Local credentials: which passwords are taken, codes that are good once, authenticators that none copies."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.authenticator import PRESENT, SoftAuthenticator, text_of
from tests.support.clocks import ManualClock
from tests.support.entropy import SeededEntropy
from vanvault.archiver.core.errors import AccessDenied, Conflict, Damaged, InvalidInput
from vanvault.archiver.people.sign_on import LocalAttempt, LocalJudge, LocalVerdict, sign_on_refused
from vanvault.archiver.people.sign_on.local import (
    Authenticator,
    LocalCredentials,
    PasswordCost,
    Passwords,
    RelyingParty,
    asserted,
    assertion_options,
    check_password,
    new_seed,
    registered,
    registration_options,
    seed_uri,
    step_of_code,
    totp_code,
    totp_step,
)

NOW = ManualClock().now()
QUICK = Passwords(PasswordCost(passes=1, memory_kib=8, lanes=1))
GOOD = "Mưa rào 1979 ở Huế"
PARTY = RelyingParty("archive.example.vn", "VanVault", ("https://archive.example.vn",))
CHALLENGE = b"c" * 32


@pytest.mark.parametrize(
    ("password", "second_factor"),
    [
        (GOOD, False),
        ("Abcdef 12345!?", False),
        ("tám ký tự", True),
        ("12345678", True),
    ],
)
def test_a_good_password_is_taken(password: str, second_factor: bool) -> None:
    check_password(password, "lan.nguyen", second_factor=second_factor)


@pytest.mark.parametrize(
    ("password", "second_factor"),
    [
        ("short 7", True),
        ("Abcdef 12345!", False),  # 13 characters
        ("abcdef 12345!?", False),  # no capital letter
        ("ABCDEF 12345!?", False),  # no small one
        ("Abcdef ghijk!?", False),  # no digit
        ("Abcdefgh123456", False),  # nothing else
        ("lan.nguyen", True),
        ("xx LAN.Nguyen xx 1", True),
        ("aaaaaaaaaaaaaa", True),
        ("Ab1!" * 65, False),  # 260 characters
        ("", True),
    ],
)
def test_a_bad_password_is_refused_and_not_repeated(password: str, second_factor: bool) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_password(password, "lan.nguyen", second_factor=second_factor)
    assert not password or password not in str(refused.value)


def test_the_stored_form_is_argon2id_at_the_stated_cost() -> None:
    stored = Passwords().hash(GOOD, SeededEntropy(1))
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_a_password_fits_its_stored_form_whatever_keyboard_wrote_it() -> None:
    stored = QUICK.hash("M\u01b0a ra\u0300o", SeededEntropy(1))
    assert QUICK.fits(stored, "M\u01b0a r\u00e0o")
    assert not QUICK.fits(stored, "M\u01b0a rao")
    assert not QUICK.fits("", "M\u01b0a r\u00e0o")
    assert not QUICK.fits("not a stored form", "x")


def test_two_stored_forms_of_one_password_differ() -> None:
    entropy = SeededEntropy(1)
    assert QUICK.hash(GOOD, entropy) != QUICK.hash(GOOD, entropy)


def test_the_ten_passwords_before_do_not_come_back() -> None:
    entropy, held = SeededEntropy(1), LocalCredentials(seed=bytes(20))
    for number in range(12):
        held = held.with_password(f"Password {number}!", "lan", QUICK, entropy, NOW)
    assert len(held.earlier) == 10
    for number in range(1, 12):
        with pytest.raises(InvalidInput):
            held.with_password(f"Password {number}!", "lan", QUICK, entropy, NOW)
    assert QUICK.fits(held.with_password("Password 0!", "lan", QUICK, entropy, NOW).password, "Password 0!")


#: RFC 6238, appendix B, SHA-1, the last six digits: seconds since the epoch -> code.
RFC_6238 = {
    59: "287082",
    1111111109: "081804",
    1111111111: "050471",
    1234567890: "005924",
    2000000000: "279037",
}


@pytest.mark.parametrize(("second", "code"), RFC_6238.items())
def test_codes_are_those_of_rfc_6238(second: int, code: str) -> None:
    at = datetime.fromtimestamp(second, UTC)
    assert totp_code(b"12345678901234567890", totp_step(at)) == code
    assert step_of_code(b"12345678901234567890", f" {code[:3]} {code[3:]}", 0, at) == totp_step(at)


@given(off=st.integers(-5, 5), last=st.integers(-5, 5))
def test_a_code_is_taken_within_one_step_and_only_after_the_last_one(off: int, last: int) -> None:
    seed, present = new_seed(SeededEntropy(2)), totp_step(NOW)
    found = step_of_code(seed, totp_code(seed, present + off), present + last, NOW)
    assert found == (present + off if abs(off) <= 1 and off > last else None)


@pytest.mark.parametrize("code", ["", "0", "abcdef", "１２３４５６", "0" * 1000, "\x00"])
def test_what_is_no_code_is_refused(code: str) -> None:
    assert step_of_code(new_seed(SeededEntropy(2)), code, 0, NOW) is None


def test_the_address_for_the_app_names_account_and_archive() -> None:
    assert seed_uri(b"12345678901234567890", "lan", "VanVault") == (
        "otpauth://totp/VanVault:lan?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=VanVault"
    )


def test_an_authenticator_registers_and_proves_itself() -> None:
    device = SoftAuthenticator()
    known = registered(PARTY, CHALLENGE, device.create(CHALLENGE), taken=(), label="key ring")
    first = asserted(PARTY, b"d" * 32, device.get(b"d" * 32), [known])
    second = asserted(PARTY, b"e" * 32, device.get(b"e" * 32), [first])
    assert (known.counter, first.counter, second.counter) == (0, 1, 2)
    assert second.label == "key ring"


def test_an_authenticator_without_a_counter_is_taken() -> None:
    device = SoftAuthenticator()
    known = registered(PARTY, CHALLENGE, device.create(CHALLENGE), taken=())
    device.counter = -1  # the next answer says 0, as those that keep no counter do
    assert asserted(PARTY, CHALLENGE, device.get(CHALLENGE), [known]).counter == 0


def test_the_pages_are_told_to_verify_the_user() -> None:
    known = [Authenticator(b"one", b"key")]
    made = registration_options(PARTY, ("a-1", "lan"), CHALLENGE, known)
    asked = assertion_options(PARTY, CHALLENGE, known)
    assert made["authenticatorSelection"]["userVerification"] == asked["userVerification"] == "required"
    assert made["excludeCredentials"][0]["id"] == asked["allowCredentials"][0]["id"] == text_of(b"one")
    assert made["challenge"] == asked["challenge"] == text_of(CHALLENGE)
    assert made["attestation"] == "none"


#: What makes an answer untrue.
UNTRUE = {
    "another origin": {"origin": "https://archive.example.vn.evil.example"},
    "another party": {"party": "evil.example"},
    "the user was not verified": {"flags": PRESENT},
    "nobody was there": {"flags": 0},
    "within a page of another site": {"cross_origin": True},
}


@pytest.mark.parametrize("change", UNTRUE.values(), ids=UNTRUE)
def test_an_untrue_registration_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        registered(PARTY, CHALLENGE, SoftAuthenticator(**change).create(CHALLENGE), taken=())  # type: ignore[arg-type]


@pytest.mark.parametrize("change", UNTRUE.values(), ids=UNTRUE)
def test_an_untrue_proof_is_refused(change: dict[str, object]) -> None:
    device = SoftAuthenticator()
    known = registered(PARTY, CHALLENGE, device.create(CHALLENGE), taken=())
    for name, value in change.items():
        setattr(device, name, value)
    with pytest.raises(AccessDenied):
        asserted(PARTY, CHALLENGE, device.get(CHALLENGE), [known])


def test_a_proof_is_refused_for_another_challenge_key_or_account() -> None:
    device, other = SoftAuthenticator(), SoftAuthenticator()
    known = registered(PARTY, CHALLENGE, device.create(CHALLENGE), taken=())
    for answer, held in [
        (device.get(b"x" * 32), [known]),  # of an earlier sign-on
        (other.get(CHALLENGE), [known]),  # the same id, another key
        (device.get(CHALLENGE), []),  # of an account that has it not
        (device.create(CHALLENGE), [known]),  # a registration is no proof
    ]:
        with pytest.raises(AccessDenied):
            asserted(PARTY, CHALLENGE, answer, held)


def test_a_counter_that_does_not_grow_tells_of_a_copy() -> None:
    device = SoftAuthenticator()
    known = registered(PARTY, CHALLENGE, device.create(CHALLENGE), taken=())
    seen = asserted(PARTY, CHALLENGE, answer := device.get(CHALLENGE), [known])
    with pytest.raises(AccessDenied):
        asserted(PARTY, CHALLENGE, answer, [seen])
    device.counter = 0
    with pytest.raises(AccessDenied):
        asserted(PARTY, CHALLENGE, device.get(CHALLENGE), [seen])


def test_a_credential_is_registered_once_in_all() -> None:
    device = SoftAuthenticator()
    known = registered(PARTY, CHALLENGE, device.create(CHALLENGE), taken=())
    with pytest.raises(Conflict):
        registered(PARTY, CHALLENGE, device.create(CHALLENGE), taken=[known.id])


@given(st.text(max_size=200) | st.recursive(st.none() | st.text(), st.lists, max_leaves=5).map(json.dumps))
def test_foreign_text_is_no_answer(text: str) -> None:
    with pytest.raises(AccessDenied):
        asserted(PARTY, CHALLENGE, text, [Authenticator(b"one", b"key")])
    with pytest.raises(InvalidInput):
        registered(PARTY, CHALLENGE, text, taken=())


@given(data=st.data())
def test_a_changed_byte_of_a_proof_is_noticed(data: st.DataObject) -> None:
    device = SoftAuthenticator()
    known = registered(PARTY, CHALLENGE, device.create(CHALLENGE), taken=())
    answer = json.loads(device.get(CHALLENGE))
    part = data.draw(st.sampled_from(["clientDataJSON", "authenticatorData", "signature"]))
    text = answer["response"][part]
    # The last character holds bits that mean nothing; how long a signature is differs from time to time.
    place = data.draw(st.integers(0, 10_000)) % (len(text) - 1)
    other = data.draw(st.sampled_from("ABCDxyz019_-"))
    answer["response"][part] = text[:place] + other + text[place + 1 :]
    if answer["response"][part] != text:
        with pytest.raises(AccessDenied):
            asserted(PARTY, CHALLENGE, json.dumps(answer), [known])


def held_with(**change: object) -> LocalCredentials:
    """Credentials with the good password."""
    return LocalCredentials(password=QUICK.hash(GOOD, SeededEntropy(3)), **change)  # type: ignore[arg-type]


def code_at(held: LocalCredentials, at: datetime = NOW) -> str:
    return totp_code(held.seed, totp_step(at))


def judged(held: LocalCredentials | None, password: str, code: str = "", **terms: bool) -> LocalVerdict:
    judge = LocalJudge(QUICK, SeededEntropy(4), two_factors=terms.get("two_factors", True))
    return judge.judge(held, LocalAttempt(password, code), NOW, allowed=terms.get("allowed", True))


def test_password_and_code_pass_once() -> None:
    held = held_with(seed=bytes(range(20)))
    verdict = judged(held, GOOD, code_at(held))
    assert (verdict.outcome, verdict.method) == ("passed", "password+code")
    assert judged(verdict.credentials, GOOD, code_at(held)).outcome == "wrong-code"


def test_the_record_knows_why_and_whoever_asks_does_not() -> None:
    held = held_with(seed=bytes(range(20)))
    assert [
        judged(None, GOOD, code_at(held)).outcome,
        judged(held, "wrong", code_at(held)).outcome,
        judged(held, GOOD, "000000").outcome,
        judged(held, GOOD, code_at(held), allowed=False).outcome,
        judged(held_with(), GOOD).outcome,
    ] == ["unknown", "wrong-password", "wrong-code", "not-allowed", "no-second-factor"]
    assert str(sign_on_refused()) == str(sign_on_refused()) == "signing on was refused"


def test_a_password_alone_passes_only_where_that_is_allowed_and_there_is_no_second_factor() -> None:
    assert judged(held_with(), GOOD, two_factors=False).method == "password"
    with_key = held_with(authenticators=(Authenticator(b"one", b"key"),))
    assert judged(with_key, GOOD, two_factors=False).outcome == "no-second-factor"


def test_credentials_without_a_password_let_nobody_in_by_one() -> None:
    only_seed = LocalCredentials(seed=bytes(range(20)))
    for password in ("", "nobody has this password"):
        assert judged(only_seed, password, code_at(only_seed)).outcome == "wrong-password"


def test_a_password_of_an_old_cost_is_hashed_anew_when_it_passes() -> None:
    old = Passwords(PasswordCost(passes=2, memory_kib=8, lanes=1))
    held = LocalCredentials(password=old.hash(GOOD, SeededEntropy(3)))
    renewed = judged(held, GOOD, two_factors=False).credentials
    assert renewed is not None and renewed.password != held.password
    assert not QUICK.is_outdated(renewed.password) and QUICK.fits(renewed.password, GOOD)
    assert judged(renewed, GOOD, two_factors=False).credentials == renewed


credentials = st.builds(
    LocalCredentials,
    password=st.text(max_size=20),
    password_set=st.none() | st.just(NOW.replace(microsecond=0) - timedelta(days=3)),
    earlier=st.lists(st.text(max_size=5), max_size=3).map(tuple),
    seed=st.binary(max_size=20),
    last_step=st.integers(0, 2**40),
    authenticators=st.lists(
        st.builds(Authenticator, st.binary(), st.binary(), st.integers(0, 2**32), st.text()), max_size=2
    ).map(tuple),
)


@given(credentials)
def test_credentials_come_back_from_json(held: LocalCredentials) -> None:
    assert LocalCredentials.of_json(json.loads(json.dumps(held.as_json()))) == held


@pytest.mark.parametrize("value", [None, [], {}, {"password": 1}, "x"])
def test_other_json_is_no_credentials(value: object) -> None:
    with pytest.raises(Damaged):
        LocalCredentials.of_json(value)


def test_nothing_secret_stands_in_a_text_of_the_objects() -> None:
    held = held_with(seed=b"seed-seed-seed-seed-")
    told = repr((held, LocalAttempt(GOOD, "123456"), Authenticator(b"one", b"key")))
    assert "argon2" not in told and "seed-" not in told and GOOD not in told and "123456" not in told

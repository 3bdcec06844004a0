"""The sample data is whole, well formed, signed, repeatable and of the sizes that it promises."""

from __future__ import annotations

import re
from base64 import b64decode
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from itertools import pairwise
from random import Random

import pytest
from lxml import etree
from signxml.exceptions import InvalidSignature
from signxml.verifier import XMLVerifier

from vanvault.archiver.core.metadata import read_metadata
from vanvault.archiver.core.sample import MAX_BODY, SampleTransaction, dossiers, generate
from vanvault.archiver.core.sample.people import employer, person, tax_code
from vanvault.archiver.core.sample.signing import Signer, certificate

START = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
FINAL = {"returned", "refused", "rejected", "withdrawn"}


@cache
def transactions() -> tuple[SampleTransaction, ...]:
    return tuple(generate(150, 7, start=START))


def digest(stream: tuple[SampleTransaction, ...]) -> str:
    return sha256(repr(stream).encode()).hexdigest()


def verified(document: bytes) -> etree._Element:
    """The signed element, once its signature verifies with the certificate in it, as signxml sees it."""
    root = etree.fromstring(document, etree.XMLParser(huge_tree=True))
    text = root.findtext(".//{*}X509Certificate")
    assert text is not None
    result = XMLVerifier().verify(document, x509_cert=text, parser=etree.XMLParser(huge_tree=True))
    return result.signed_xml


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert digest(tuple(generate(20, 7, start=START))) == digest(tuple(generate(20, 7, start=START)))
    assert digest(transactions()[:20]) == digest(tuple(generate(20, 7, start=START)))
    assert digest(tuple(generate(20, 8, start=START))) != digest(transactions()[:20])
    assert list(dossiers(3, 1)) == list(dossiers(3, 1)) != list(dossiers(3, 2))


def test_what_is_read_is_what_was_written() -> None:
    for message in (message for each in transactions() for message in each.messages):
        reading = read_metadata(message.body)
        assert (reading.metadata, reading.note) == (message.truth, "")


def test_signatures_of_envelopes_and_forms_verify() -> None:
    forms = 0
    for each in transactions()[:40]:
        for message in each.messages:
            if message.truth.kind == "health-claim":
                assert verified(message.body).tag == "GIAMDINHHS"
            if message.truth.kind != "dossier":
                continue
            assert verified(message.body).tag == "Hoso"
            for file in etree.fromstring(message.body, etree.XMLParser(huge_tree=True)).iter("FileToKhai"):
                content = file.findtext("NoiDungFile") or ""
                assert file.findtext("DoDaiFile") == str(len(content))
                if file.findtext("LoaiFile") == "xml":
                    assert verified(b64decode(content)).tag == file.findtext("MaToKhai")
                    forms += 1
    assert forms > 40


def test_a_changed_envelope_no_longer_verifies() -> None:
    (body,) = dossiers(1, 1)
    with pytest.raises(InvalidSignature):
        verified(body.replace(b"<MaThuTuc>600", b"<MaThuTuc>601"))


def test_certificates_name_their_signer_and_do_not_change() -> None:
    one, other = Signer("Công ty A", "0312345678"), Signer("Công ty B", "0312345679")
    assert certificate(one) == certificate(Signer("Công ty A", "0312345678"))
    assert certificate(one) != certificate(other)


def test_transactions_are_whole_and_in_order() -> None:
    ids = [each.transaction_id for each in transactions()]
    assert len(set(ids)) == len(ids)
    assert len({message.message_id for each in transactions() for message in each.messages}) == sum(
        len(each.messages) for each in transactions()
    )
    for each in transactions():
        assert all(a.occurred_at < b.occurred_at for a, b in pairwise(each.events))
        assert all(a.at < b.at for a, b in pairwise(each.messages))
        assert {event.transaction_id for event in each.events} == {each.transaction_id}
        assert {message.metadata.transaction_id for message in each.messages} == {each.transaction_id}
        assert each.state == each.events[-1].state
        assert each.messages[0].truth.kind in ("dossier", "health-claim")
        if each.messages[0].truth.kind == "dossier" and each.state in FINAL - {"withdrawn"}:
            assert each.messages[-1].truth.state == each.state
        known_by_number = [event.dossier_number for event in each.events if event.state == "accepted"]
        assert all(number for number in known_by_number) or each.messages[0].truth.kind == "health-claim"


def test_the_mixture_has_everything() -> None:
    states = Counter(each.state for each in transactions())
    assert FINAL - {"withdrawn"} < set(states)
    assert len(transactions()) > sum(states[state] for state in FINAL) > len(transactions()) / 2
    kinds = Counter(message.truth.kind for each in transactions() for message in each.messages)
    assert set(kinds) == {"dossier", "receipt", "result", "health-claim"}
    assert any(event.state == "supplement" for each in transactions() for event in each.events)
    sizes = sorted(len(m.body) for each in transactions() for m in each.messages if m.truth.kind == "dossier")
    assert sizes[0] < 8_000
    assert sizes[len(sizes) // 2] < 30_000
    assert 500_000 < sizes[-1] <= MAX_BODY


def test_transactions_begin_at_the_start() -> None:
    first, *_, last = transactions()
    assert first.events[0].occurred_at == START
    assert last.events[0].occurred_at > START + timedelta(minutes=30)


@pytest.mark.parametrize("size", [10_000, 30_000, 100_000, 1_500_000])
def test_dossiers_are_distinct_and_near_the_size_asked_for(size: int) -> None:
    bodies = list(dossiers(4, 5, size))
    assert len(set(bodies)) == 4
    assert all(abs(len(body) - size) < 0.07 * size for body in bodies)
    assert all(read_metadata(body).metadata.insurance_numbers for body in bodies)


def test_the_check_digit_of_a_tax_code() -> None:
    # By hand: 1*29 + 1*17 + 9*7 + 7*3 = 130, which is 9 modulo 11, and 10 - 9 is 1.
    assert tax_code("010010907") == "0100109071"
    assert tax_code("000000000") == ""


def test_codes_are_well_formed() -> None:
    rng = Random(1)
    for _ in range(50):
        unit, one = employer(rng), person(rng)
        assert unit.tax_code == tax_code(unit.tax_code[:9])
        assert re.fullmatch(r"[A-Z]{2}\d{4}[A-Z]", unit.code)
        assert re.fullmatch(r"\d{10}", one.insurance_number)
        assert re.fullmatch(r"\d{12}", one.citizen_id)
        assert re.fullmatch(r"[A-Z]{2}\d{13}", one.card)
        assert re.fullmatch(r"\d{5}", unit.agency.code)


def test_a_span_spreads_them_over_years_and_some_are_opened_again() -> None:
    """What a demonstration shows: ten years of occurrences, closed, open, refused, and opened again."""
    years = timedelta(days=3652)
    spread = tuple(generate(200, 7, start=START, span=years))
    begun = [one.events[0].occurred_at for one in spread]
    assert begun == sorted(begun) and {at.year for at in begun} >= set(range(2026, 2036))
    for one in spread:
        times = [event.occurred_at for event in one.events]
        assert times == sorted(times) and times[0] >= START and times[-1] < START + years + timedelta(days=14)
        assert one.state == one.events[-1].state
        assert len({event.event_id for event in one.events}) == len(one.events)
    states = Counter(one.state for one in spread)
    assert {"returned", "refused", "rejected", "processing"} <= set(states)
    again = [one for one in spread if any(event.state in FINAL for event in one.events[:-1])]
    assert 1 <= len(again) <= 20 and {one.state for one in again} == {"returned"}

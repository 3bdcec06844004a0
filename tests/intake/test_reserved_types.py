"""Types of the archive's own events cannot be pushed, however they are spelled."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.times import from_us
from vanvault.archiver.intake import event_draft, system_event

NOW = from_us(1_764_000_000_000_000)


def pushed(type: str) -> str:
    fields = {"event_id": "e-1", "occurred_at": "2026-11-22T08:00:00+07:00", "type": type}
    return event_draft("gateway-1", fields, received=NOW).type


@pytest.mark.parametrize(
    "type",
    [
        "vanvault.failover.promoted",
        "vanvault.",
        "VanVault.gateway.added",
        " vanvault.x",
        "van vault.x",
        "vanvault .x",
        "vánvault.x",
        "ｖａｎｖａｕｌｔ．x",
        "𝐯𝐚𝐧𝐯𝐚𝐮𝐥𝐭.x",
        "vanvault․x",
    ],
)
def test_a_gateway_cannot_speak_as_the_archive(type: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        pushed(type)
    assert refused.value.field == "type"


@pytest.mark.parametrize(
    "type", ["dossier.received", "vanvault", "vanvaultx.y", "my.vanvault.x", "vanvault-x", "Hồ sơ. đã nhận"]
)
def test_other_types_stay_free(type: str) -> None:
    assert pushed(type) == type


def test_the_archive_itself_still_can() -> None:
    assert system_event("gateway.added", {}, now=NOW, nonce="1").type == "vanvault.gateway.added"


@given(st.data())
def test_no_mixture_of_case_blanks_and_width_gets_through(data: st.DataObject) -> None:
    forms = [
        st.sampled_from([letter, letter.upper(), chr(ord(letter) + 0xFEE0), f" {letter}", f"{letter}\u0301"])
        for letter in "vanvault."
    ]
    type = "".join(data.draw(form) for form in forms) + data.draw(st.sampled_from(["", "x", "site.health"]))
    assert unicodedata.normalize("NFC", type)
    with pytest.raises(InvalidInput):
        pushed(type)

"""From what a gateway sent to a draft: ids, and whose metadata counts."""

from __future__ import annotations

import pytest

from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.model import Metadata, MetadataReading
from vanvault.archiver.intake.receive import check_id, merged_metadata


@pytest.mark.parametrize("text", ["one/id", "hồ sơ 5", "100%", "50%-a", "x" * 200])
def test_an_id_is_what_was_written(text: str) -> None:
    assert check_id(text, "message_id") == text


@pytest.mark.parametrize("text", ["", " a", "a ", "a\nb", "one%2Fid", "h%c3%b4", "x" * 201, None, 5])
def test_an_id_that_could_be_read_as_another_is_refused(text: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_id(text, "message_id")
    assert caught.value.field == "message_id"


def test_the_message_wins_over_its_caller_who_fills_gaps() -> None:
    given = Metadata(employer_code="of the caller", state="of the caller")
    read = Metadata(employer_code="of the message", procedure="of the message")
    merged, note = merged_metadata(given, MetadataReading(read, recognised=True))
    assert (merged.employer_code, merged.procedure, merged.state) == (
        "of the message",
        "of the message",
        "of the caller",
    )
    assert "employer_code" in note
    assert "state" not in note


def test_of_a_message_that_nobody_can_read_the_caller_alone_tells() -> None:
    given = Metadata(employer_code="of the caller")
    assert merged_metadata(given, MetadataReading(Metadata(), note="unknown form")) == (
        given,
        "unknown form",
    )

"""``vanvault law``: what the table of legal duties says, without a home."""

from __future__ import annotations

import json

from click.testing import CliRunner

from vanvault.cli.law import command


def asked(*options: str) -> str:
    result = CliRunner().invoke(command, options)
    assert result.exception is None, result.output
    return result.output


def test_the_list_says_of_each_duty_how_it_is_known() -> None:
    found = json.loads(asked("--json"))
    assert found["on"] is None
    by_name = {(duty["name"], duty["text"]): duty for duty in found["duties"]}
    recovered = by_name["data-recovered", "QD08-2015"]
    assert (recovered["value"], recovered["unit"], recovered["mark"]) == (8, "hours", "source")
    assert by_name["data-recovered", "ND166-2016"]["value"] is None


def test_one_day_shows_only_the_texts_in_force_on_it() -> None:
    texts = {duty["text"] for duty in json.loads(asked("--on", "2016-06-01", "--json"))["duties"]}
    assert texts == {"QD08-2015"}


def test_a_day_without_any_text_says_so() -> None:
    assert "No text" in asked("--on", "2001-01-01")


def test_a_text_that_ended_in_part_is_printed_with_that() -> None:
    assert "since 2025-07-01 not applied to compulsory" in asked("--on", "2026-11-30")


def test_the_list_is_printed_in_vietnamese() -> None:
    assert "Nhật ký giao dịch được lưu 10 năm" in asked("--lang", "vi")

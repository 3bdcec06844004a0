"""What is owed is told in the same facts in both languages."""

from __future__ import annotations

import string

from vanvault.archiver.retention.words import SENTENCES


def names_in(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def test_both_languages_have_all_sentences_with_the_same_facts() -> None:
    assert SENTENCES["vi"].keys() == SENTENCES["en"].keys()
    for key, sentence in SENTENCES["en"].items():
        assert names_in(SENTENCES["vi"][key]) == names_in(sentence), key

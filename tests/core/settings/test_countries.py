"""The country of the third copy: a code that exists, or nothing."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from vanvault.archiver.core.settings import BackupSettings


@pytest.mark.parametrize("code", ["VN", "SG", None])
def test_a_country_is_named_by_its_code(code: str | None) -> None:
    assert BackupSettings(country=code).country == code


@pytest.mark.parametrize("code", ["vn", "VNM", "XX", "Viet Nam", ""])
def test_what_is_no_code_is_refused_with_an_example(code: str) -> None:
    with pytest.raises(ValidationError, match="such as VN"):
        BackupSettings(country=code)

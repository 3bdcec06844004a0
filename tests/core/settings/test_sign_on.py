"""Origins that authenticators are bound to are exactly what browsers write."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from vanvault.archiver.core.settings.sign_on import SignOnSettings


@pytest.mark.parametrize(
    "origins",
    [
        (),
        ("https://archive.example.vn",),
        ("https://archive.example.vn:8443", "https://two.archive.example.vn"),
        ("http://localhost:8420",),
    ],
)
def test_origins_are_taken(origins: tuple[str, ...]) -> None:
    assert SignOnSettings(origins=origins).origins == origins


@pytest.mark.parametrize(
    "origins",
    [
        ("archive.example.vn",),
        ("http://archive.example.vn",),
        ("https://archive.example.vn/",),
        ("https://Archive.example.vn",),
        ("https://user@archive.example.vn",),
        ("https://archive.example.vn", "https://evil.example"),
        ("https://archive.example.vn", "https://evilarchive.example.vn"),
    ],
)
def test_what_no_browser_writes_or_another_host_is_refused(origins: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError, match="origin"):
        SignOnSettings(origins=origins)

"""Versions, features and failures of restic: the table, and the words of real versions."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vanvault.archiver.core.errors import (
    Busy,
    Conflict,
    Damaged,
    KeyUnavailable,
    NotFound,
    SettingsError,
    SiteFull,
    SiteUnavailable,
    VanVaultError,
)
from vanvault.recovery.backup.restic_facts import SINCE, Version, failure, features_of, parse_version

OLD, NEW = features_of((0, 14, 0)), features_of((0, 18, 1))


@pytest.mark.parametrize(
    ("version", "has"),
    [
        ((0, 14, 0), set()),
        ((0, 15, 2), set()),
        ((0, 16, 0), {"retry_lock"}),
        ((0, 16, 5), {"retry_lock"}),
        ((0, 17, 0), {"retry_lock", "missing_code", "locked_code"}),
        ((0, 17, 1), {"retry_lock", "missing_code", "locked_code", "password_code"}),
        ((0, 18, 0), set(SINCE)),
        ((0, 18, 1), set(SINCE)),
        ((1, 0, 0), set(SINCE)),
    ],
)
def test_the_table_of_features(version: Version, has: set[str]) -> None:
    features = features_of(version)
    assert {name for name in SINCE if getattr(features, name)} == has


@given(st.tuples(st.integers(0, 3), st.integers(0, 40), st.integers(0, 9)))
def test_a_newer_version_can_do_no_less(version: Version) -> None:
    newer = features_of((version[0], version[1] + 1, 0))
    assert all(getattr(newer, name) or not getattr(features_of(version), name) for name in SINCE)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("restic 0.14.0 compiled with go1.19.8 on linux/amd64\n", (0, 14, 0)),
        ("restic 0.18.1 compiled with go1.25.1 on linux/amd64\n", (0, 18, 1)),
        ("restic 0.17.3-dev (compiled manually) compiled with go1.23 on linux/arm64", (0, 17, 3)),
    ],
)
def test_versions_are_read(text: str, version: Version) -> None:
    assert parse_version(text) == version


@pytest.mark.parametrize(
    "text", ["", "restic", "rustic 0.14.0", "restic 0.13.1 compiled", "restic 0.9.6 compiled"]
)
def test_too_old_or_no_restic(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_version(text)
    assert "nstall" in caught.value.hint


@pytest.mark.parametrize(
    ("code", "stderr", "kind"),
    [
        (1, "Fatal: wrong password or no key found", KeyUnavailable),
        (
            1,
            "Fatal: unable to open config file: stat /x/config: no such file\nIs there a repository",
            NotFound,
        ),
        (
            1,
            'Fatal: unable to open config file: client.Head: Head "http://127.0.0.1:1/x/config":'
            " dial tcp 127.0.0.1:1: connect: connection refused\nIs there a repository at the following",
            SiteUnavailable,
        ),
        (1, "unable to create lock in backend: repository is already locked by PID 7 on a", Busy),
        (1, "Fatal: create repository at /x failed: config file already exists", Conflict),
        (1, "Fatal: unable to save snapshot: write /x: no space left on device", SiteFull),
        (1, "error: Pack ID does not match, want 1, got 2\nFatal: repository contains errors", Damaged),
        (1, 'Fatal: no matching ID found for prefix "00"', NotFound),
        (3, "Warning: at least one source file could not be read", Damaged),
        (1, "Fatal: something that nobody foresaw", SiteUnavailable),
        (2, "", SiteUnavailable),
        (-9, "", SiteUnavailable),
    ],
)
def test_failures_by_their_words(code: int, stderr: str, kind: type[VanVaultError]) -> None:
    for features in (OLD, NEW):
        assert type(failure(code, stderr, features)) is kind


@pytest.mark.parametrize(
    ("code", "kind"),
    [(10, NotFound), (11, Busy), (12, KeyUnavailable)],
)
def test_failures_by_their_code(code: int, kind: type[VanVaultError]) -> None:
    assert type(failure(code, "", NEW)) is kind
    assert type(failure(code, "", OLD)) is SiteUnavailable


def test_a_server_that_is_away_is_not_a_missing_repository() -> None:
    message = {"message_type": "exit_error", "code": 10, "message": "Fatal: dial tcp: connection refused"}
    error = failure(10, json.dumps(message), NEW)
    assert type(error) is SiteUnavailable
    assert error.message == "restic: dial tcp: connection refused"

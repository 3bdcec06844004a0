"""What the machine has no more of is told as that, whatever failed for it."""

from __future__ import annotations

import errno

import pytest

from vanvault.api.host_limits import host_limit
from vanvault.archiver.core.errors import KeyUnavailable, SettingsError, SiteUnavailable, VanVaultError


def caused(error: VanVaultError, cause: BaseException) -> VanVaultError:
    try:
        raise error from cause
    except VanVaultError as found:
        return found


NO_FILES = OSError(errno.EMFILE, "Too many open files", "/home/secret/keys/log-1.json")


@pytest.mark.parametrize(
    ("error", "limit"),
    [
        (NO_FILES, "files"),
        (OSError(errno.ENFILE, "Too many open files in system"), "files"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "memory"),
        (MemoryError(), "memory"),
        (RuntimeError("can't start new thread"), "threads"),
        (caused(KeyUnavailable("The master key log/1 is missing."), NO_FILES), "files"),
        (caused(SiteUnavailable("the site is away", site="primary"), NO_FILES), "files"),
        (caused(SettingsError("gateways.json cannot be read"), NO_FILES), "files"),
    ],
)
def test_a_limit_is_found_among_the_causes(error: BaseException, limit: str) -> None:
    found = host_limit(error)
    assert found is not None
    assert found[0] == limit
    assert found[1].retry_after
    assert "secret" not in found[1].message
    assert "key" not in found[1].message


@pytest.mark.parametrize(
    "error", [KeyUnavailable("The master key log/1 is missing."), OSError(errno.EACCES, "no"), RuntimeError()]
)
def test_what_is_no_limit_of_the_machine(error: BaseException) -> None:
    assert host_limit(error) is None

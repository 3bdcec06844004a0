"""Spans and numbers of options are bounded, so that none ends a verb with an internal error."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command import run_cli


@pytest.mark.parametrize(
    "words",
    [
        "push x --wait inf",
        "push x --wait nan",
        "push x --wait 1e300",
        "serve --grace nan",
        "backup check --read-data nan",
        "sample --count 99999999999999999999",
        "gateway token add gateway-1 --overlap 99999d",
        "gateway token add gateway-1 --overlap 1w",
        "gateway token add gateway-1 --not-after 99999-01-01T00:00:00Z",
        "availability window announce --from 9999-01-01T00:00:00Z --to 9999-01-02T00:00:00Z --reason x",
        "availability note up --source x --valid 99999999999999999999",
        "drill schedule node-lost --every 99999999999999999999d",
        "probe primary --override --reason x --days 99999999999999999999",
        "search --limit 99999999999999999999",
        "search --from 0001-01-01T00:00:00+23:59",
        "histogram --from 99999-01-01",
        "verify --subset 1/99999999999999999999",
        "restore --from standby --incident 9999-12-31T23:59:59-23:59",
        "availability report --year 99999999999999999999",
    ],
)
def test_a_number_out_of_bounds_is_a_wrong_command_line(words: str, home: Path) -> None:
    result = run_cli(home, *words.split())
    assert result.exit_code == 2, (result.exit_code, result.stderr)
    assert "internal" not in result.stderr


def test_backups_are_kept_for_ten_years_at_most() -> None:
    from vanvault.archiver.core.errors import InvalidInput
    from vanvault.recovery.backup.plan import check_floor

    check_floor(3660, 30)
    with pytest.raises(InvalidInput, match="3661 days is more than 3660"):
        check_floor(3661, 30)

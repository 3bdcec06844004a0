"""The clock guard: locks are only as good as the clocks that set them and end them.

Pure: the caller asks the host, both sites (their ``Date``) and the archive for their times and hands them
in. Beyond the set skew nothing may be locked or released, and the verdict says which clock is off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

_HOST = "host"
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ClockVerdict:
    """May something be locked or released now?"""

    HOST: ClassVar[str] = _HOST  # the name of the host's own clock

    ok: bool
    culprit: str  # "" when ok; "host", a site's name, or "unknown" when the clocks do not tell
    detail: str  # one line for people
    compared: int  # clocks that gave a time, the host's among them
    behind_archive: bool = False  # every clock is before what was archived last

    @classmethod
    def of(
        cls,
        host: datetime,
        sites: Mapping[str, datetime | None],
        last_archived: datetime | None,
        max_skew: timedelta,
    ) -> ClockVerdict:
        """Compare the host's time, the sites' (None: no answer) and that of what was archived last, all UTC.

        Two rules:

        1. Time never runs backwards in the archive: no clock may be more than ``max_skew`` before
           ``last_archived``. A clock that is has been set back, whatever the others say. If all are, either
           all were set back or the archive was once written under a clock ahead: nobody can tell which.
        2. All clocks agree within ``max_skew``. A clock is the culprit when it disagrees with all others
           while the others, at least two, agree among themselves; with two clocks nobody can tell.

        A site that gives no time is left out: that it is unreachable is for others to act on. When no site
        gives one, ``ok`` says nothing about the host's clock: see ``compared``.
        """
        clocks = {_HOST: host, **{name: time for name, time in sites.items() if time is not None}}
        if last_archived is not None:
            behind = {
                name: last_archived - time for name, time in clocks.items() if time < last_archived - max_skew
            }
            if behind:
                return _backwards(behind, len(clocks))
        names = sorted(clocks)
        worst = max((abs(clocks[a] - clocks[b]), a, b) for a in names for b in names)
        spread, first, second = worst
        if spread <= max_skew:
            return cls(True, "", f"{len(clocks)} clocks agree within {_seconds(spread)}", len(clocks))
        culprit = _outlier(clocks, max_skew)
        apart = (
            f"{_name(first)} and {_name(second)} are {_seconds(spread)} apart; allowed: {_seconds(max_skew)}"
        )
        if culprit == UNKNOWN:
            told = f"{apart}. The clocks do not tell which of them is off."
        else:
            told = f"{apart}. The others agree: {_name(culprit)} is off."
        return cls(False, culprit, told, len(clocks))


def _backwards(behind: Mapping[str, timedelta], compared: int) -> ClockVerdict:
    name, by = max(behind.items(), key=lambda item: (item[1], item[0]))
    detail = f"{_name(name)} is {_seconds(by)} before what was archived last"
    if len(behind) == compared > 1:
        return ClockVerdict(
            False,
            UNKNOWN,
            f"{detail}, and so are all others: they were set back, or the archive was written under a "
            "clock that was ahead.",
            compared,
            behind_archive=True,
        )
    culprit = name if len(behind) == 1 else UNKNOWN
    return ClockVerdict(False, culprit, f"{detail}: time never runs backwards in the archive.", compared)


def _outlier(clocks: Mapping[str, datetime], max_skew: timedelta) -> str:
    """The one clock without which the others, at least two, agree; "unknown" if there is not just one."""
    suspects = []
    for suspect in clocks:
        others = [time for name, time in clocks.items() if name != suspect]
        if len(others) >= 2 and max(others) - min(others) <= max_skew:
            suspects.append(suspect)
    return suspects[0] if len(suspects) == 1 else UNKNOWN


def _name(clock: str) -> str:
    return "the host's clock" if clock == _HOST else f"the clock of {clock}"


def _seconds(span: timedelta) -> str:
    return f"{span.total_seconds():.0f} s"

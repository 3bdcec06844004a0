"""Whether intake may lock at the sites now: clocks agree, and every site's store was probed.

One site whose clock differs from the host's and from the other site's holds nothing by itself: it is barred,
which takes it out, and the policy decides what goes on without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from vanvault.archiver.catalogue import HotTail, Search
from vanvault.archiver.core.errors import NotFound, SiteUnavailable
from vanvault.archiver.core.options import ProbePolicy
from vanvault.archiver.core.times import from_us
from vanvault.archiver.journal.events import newest_event
from vanvault.archiver.keys import SigningKeys
from vanvault.archiver.replicas import ClockVerdict, SteadyClock
from vanvault.archiver.stores import Site
from vanvault.archiver.stores.verdict import (
    ProbeOnRecord,
    distrust,
    override_event,
    override_until,
    probe_event,
    read_probe,
)


@dataclass(frozen=True, slots=True)
class TrustRules:
    """What must be so before anything is locked."""

    probed: Mapping[str, str]  # site -> endpoint: those that must have been probed
    policy: ProbePolicy
    max_skew: timedelta  # between any two clocks


class Judge(Protocol):
    """Decides what a wrong clock means for its site (``AckPolicy``)."""

    def clock_is_off(self, site: str, reason: str) -> None:
        """The site's clock differs from all others: it is out."""
        ...

    def clock_is_right(self, site: str) -> None:
        """The site's clock agrees with the others."""
        ...

    def goes_on_without(self, site: str) -> bool:
        """May anything be acknowledged that this site does not hold? Asked after ``clock_is_off``."""
        ...


class Trust:
    """Reads the record and asks the clocks; ``check`` raises the first reason for doubt."""

    def __init__(
        self,
        *,
        sites: Mapping[str, Site],
        rules: TrustRules,
        search: Search,
        tail: HotTail,
        signing: SigningKeys,
        clock: SteadyClock,
        judge: Judge,
    ) -> None:
        """``clock``: checks set it right. ``judge`` is told of each site's clock."""
        self._sites = sites
        self._rules = rules
        self._search = search
        self._tail = tail
        self._signing = signing
        self._clock = clock
        self._judge = judge

    @property
    def max_skew(self) -> timedelta:
        """How far two clocks may be apart."""
        return self._rules.max_skew

    def check(self) -> None:
        """Raises SiteUnavailable (nothing may be stored) when a clock or a store must not be trusted."""
        self.check_clocks()
        self.check_probes()

    def check_clocks(self, *, accepting: bool = False) -> None:
        """Raises SiteUnavailable, with the culprit, unless clocks agree or the policy goes on without one.

        ``accepting``: entries with times to come are no reason, because their acceptance is written now.

        A site's clock that differs from the host's and from another site's puts that site out; the first
        comparison in which it agrees lets it come back. When no site gives a time, the node's clock goes on
        from the last agreement, if there was one.
        """
        reading = self._clock.reading()
        times = self._site_times()
        verdict = self._compare(reading[0], times, accepting=accepting)
        off = verdict.culprit if verdict.culprit in times else ""
        others = {name: time for name, time in times.items() if name != off}
        rest = self._compare(reading[0], others, accepting=accepting) if off else verdict
        if not rest.ok or (off and rest.compared < 2):
            raise _disagree(verdict)  # with the host's clock alone, nobody can tell which of two is off
        for name, time in others.items():
            if time is not None:
                self._judge.clock_is_right(name)
        if off:
            self._judge.clock_is_off(off, f"its clock is off: {verdict.detail}")
            if not self._judge.goes_on_without(off):
                raise _disagree(verdict)
        if rest.compared > 1:
            self._clock.set_by(reading)
        elif not self._clock.agreed:
            raise SiteUnavailable(
                "no site tells the time, so the host's clock cannot be compared",
                site=next(iter(self._sites)),
                may_be_stored=False,
                hint="Nothing is locked until a site answers.",
            )

    def check_every_clock(self) -> None:
        """Before locks are let run out: raises SiteUnavailable unless the clocks of all sites agree."""
        self.check_clocks()
        verdict = self.clocks()
        if not verdict.ok:
            raise _disagree(verdict)

    def check_probes(self) -> None:
        """Raises SiteUnavailable unless every site that needs it has a recent, good probe or an override."""
        for site, endpoint in self._rules.probed.items():
            reason = distrust(
                site,
                self.probe_of(site),
                self._override_of(site),
                endpoint=endpoint,
                now=self._clock.now(),
                policy=self._rules.policy,
            )
            if reason:
                raise SiteUnavailable(
                    reason,
                    site=site,
                    may_be_stored=False,
                    hint=f"Run: vanvault probe {site}. To go on without: vanvault probe {site} --override.",
                )

    def check_step(self) -> None:
        """Between two checks: raises SiteUnavailable when the host's clock was set since they agreed.

        Costs two readings of clocks, so every commit asks it.
        """
        jump = self._clock.jump()
        if self._clock.agreed and abs(jump) > self._rules.max_skew:
            raise SiteUnavailable(
                f"the host's clock jumped by {jump.total_seconds():.0f} s",
                site="host",
                may_be_stored=False,
                hint="Nothing is locked until the clocks were compared again; set the host's clock right.",
            )

    def check_not_ahead(self) -> None:
        """For what is written whatever the clocks say: raises SiteUnavailable while the host's is ahead.

        A line from the future would keep every writer from going on; one from the past keeps nobody.
        """
        told = [time for time in self._site_times().values() if time is not None]
        ahead = min((self._clock.host.now() - time for time in told), default=timedelta(0))
        if ahead > self._rules.max_skew:
            raise SiteUnavailable(
                f"the host's clock is {ahead.total_seconds():.0f} s ahead of every site",
                site=ClockVerdict.HOST,
                may_be_stored=False,
                hint="Set the host's clock right (NTP).",
            )

    def clocks(self) -> ClockVerdict:
        """The host's clock, the sites' and the archive's last time, compared."""
        return self._compare(self._clock.host.now(), self._site_times())

    def present_clocks(self) -> tuple[ClockVerdict, dict[str, datetime | None]]:
        """The host's clock and the sites' compared, whatever was archived; and what each site says."""
        times = self._site_times()
        return self._compare(self._clock.host.now(), times, accepting=True), times

    def check_present_clocks(self) -> None:
        """Before a wrong clock is accepted: raises SiteUnavailable unless the clocks agree now."""
        verdict, times = self.present_clocks()
        if not verdict.ok:
            raise _disagree(verdict)
        if verdict.compared < 2:
            raise SiteUnavailable(
                "no site tells the time, so the host's clock cannot be compared",
                site=next(iter(times)),
                may_be_stored=False,
                hint="Nothing is accepted until a site answers.",
            )

    def _compare(
        self, host: datetime, sites: Mapping[str, datetime | None], *, accepting: bool = False
    ) -> ClockVerdict:
        last = 0 if accepting else self._tail.last_received_us()
        return ClockVerdict.of(host, sites, from_us(last) if last else None, self._rules.max_skew)

    def _site_times(self) -> dict[str, datetime | None]:
        return {name: self._site_time(site) for name, site in self._sites.items()}

    def probe_of(self, site: str) -> ProbeOnRecord | None:
        """The newest probe of a site on record. Raises Damaged, KeyUnavailable."""
        newest = newest_event(self._search, probe_event(site))
        return read_probe(newest.text, self._signing) if newest else None

    def _override_of(self, site: str) -> datetime | None:
        newest = newest_event(self._search, override_event(site))
        return override_until(newest.text) if newest else None

    @staticmethod
    def _site_time(site: Site) -> datetime | None:
        try:
            return site.now()
        except (SiteUnavailable, NotFound):
            return None


def _disagree(verdict: ClockVerdict) -> SiteUnavailable:
    # The node's clock stays as it was: a commit that comes before intake is held asks for the host's jump.
    return SiteUnavailable(
        f"the clocks do not agree: {verdict.detail}",
        site=verdict.culprit,
        may_be_stored=False,
        hint="If the clocks are right now and were ahead once: vanvault clock accept --reason TEXT"
        " (runbooks/clock-wrong.en.md). Else set them right (NTP). Nothing is locked until then."
        if verdict.behind_archive
        else "Set the clock right (NTP). Nothing is locked until clocks agree.",
    )

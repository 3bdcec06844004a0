"""When a gateway is told that its entry is archived: at all sites, or at one while others are away.

``all``: every site holds the entry. ``any``: one site holds all of it, the others failed or are out; the
receipt says so. With ``fall_back``, gateways that follow the appliance's ``all`` are treated as under
``any`` for as long as a site is out; so they are from a promotion until failback, when the site that leads
must hold the entry. A gateway that was set to ``all`` itself never is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import Literal, Protocol, TypeVar

from vanvault.archiver.core.errors import NotFound, SettingsError, SiteFull, SiteUnavailable
from vanvault.archiver.core.evidence import Receipt, holders
from vanvault.archiver.core.model import SYSTEM_GATEWAY
from vanvault.archiver.replicas.health_board import HealthBoard
from vanvault.archiver.replicas.leadership import LeadershipState
from vanvault.archiver.stores import Site

Policy = Literal["all", "any"]
#: A put that another site has done is waited for so long, where a degraded receipt is allowed.
PUT_PATIENCE_S = 10.0
_T = TypeVar("_T")


class GatewayPolicies(Protocol):
    """What operators set for single gateways."""

    def policy_of(self, name: str) -> str | None:
        """``all``, ``any``, or None: the appliance's. Raises SettingsError."""
        ...

    def has_any(self) -> bool:
        """Is a gateway under ``any``? Raises SettingsError."""
        ...


class AckPolicy:
    """Answers for one appliance; settings are read once, gateways and health at every question."""

    def __init__(
        self,
        policy: Policy,
        *,
        fall_back: bool,
        gateways: GatewayPolicies,
        health: HealthBoard,
        lead: LeadershipState,
    ) -> None:
        self._policy = policy
        self._fall_back = fall_back
        self._gateways = gateways
        self._health = health
        self._lead = lead

    @property
    def health(self) -> HealthBoard:
        """Health of the sites; read at every question."""
        return self._health

    def admits_degraded(self, gateway: str) -> bool:
        """May this gateway be given a degraded receipt now? Raises SettingsError."""
        if gateway == SYSTEM_GATEWAY:
            return self.may_degrade()
        return (self._gateways.policy_of(gateway) or self._appliance()) == "any"

    def may_degrade(self) -> bool:
        """May anybody be given a degraded receipt now?

        Where not, a commit waits for every site. Where so, it does not, and each entry's gateway decides
        what its caller is told.
        """
        if self._appliance() == "any":
            return True
        try:
            return self._gateways.has_any()
        except SettingsError:
            return False  # nobody can push without that file, either

    def clock_is_off(self, site: str, reason: str) -> None:
        """A site's clock differs from all others: nothing is put there until it agrees."""
        self._health.bar(site, "clock", reason)

    def clock_is_right(self, site: str) -> None:
        """A site's clock agrees with the others."""
        self._health.unbar(site, "clock")

    def goes_on_without(self, site: str) -> bool:
        """May anybody be given a receipt now that ``site`` does not hold? Not while it leads alone."""
        leadership = self._lead.leadership
        return self.may_degrade() and not (leadership.alone and leadership.leader == site)

    def may_skip(self, site: str, waited_s: float = 0.0) -> bool:
        """May a degraded commit go on without ``site``: is it out by now, or was it waited for too long?

        ``waited_s``: seconds of a put that hangs since another site has the object. A site that answers looks
        and holds puts becomes out by those that are given up.
        """
        out = self._health.out()
        late = site in out or waited_s >= PUT_PATIENCE_S
        return late and self._others(out) and self.may_degrade()

    def check_open(self, gateway: str) -> None:
        """Raises SiteUnavailable, before anything is stored, while a site is out that it waits for."""
        self._lead.check()
        out = self._health.out()
        leadership = self._lead.leadership
        unled = leadership.alone and leadership.leader in out
        wrong = self._health.barred("clock")
        if wrong and not self._others(out):
            raise SiteUnavailable(
                f"site {min(wrong)} is out ({self._reason(min(wrong))}), and no other site answers",
                site=min(wrong),
                may_be_stored=False,
                hint="Send the same request again when a site with a right clock is back.",
            )
        if not out or (self.admits_degraded(gateway) and not unled):
            return
        site = leadership.leader if unled else min(out)
        kind = SiteFull if self._health.is_full(site) else SiteUnavailable
        raise kind(
            f"site {site} is out, and nothing is acknowledged that it does not hold: {self._reason(site)}",
            site=site,
            may_be_stored=False,
            hint="Send the same request again when it is back. Its operator sees this in vanvault status.",
        )

    def refusal(self, gateway: str, receipt: Receipt, *, again: bool = False) -> SiteUnavailable | None:
        """Why this gateway is not given this receipt (yet), or None.

        ``again``: of an entry that was stored before. A gateway that fell back is given what it was given
        while the site was out until that site has caught up, too.
        """
        if not receipt.get("degraded"):
            return None
        whole_at = holders(receipt)
        leadership = self._lead.leadership
        enough = leadership.leader in whole_at if leadership.alone else bool(whole_at)
        if enough and (self.admits_degraded(gateway) or (again and self._fell_back(gateway))):
            return None
        sites = {placement["site"] for placement in receipt["placements"]}
        away = next((site.site for site in self._health.snapshot() if site.site not in whole_at), "a site")
        return SiteUnavailable(
            f"not acknowledged: stored at {', '.join(sorted(sites))}, but not whole at {away}",
            site=away,
            may_be_stored=True,
            hint="Send the same request again with the same ids; it is answered once every site holds it.",
        )

    def reaching(self, sites: Mapping[str, Site], work: Callable[[dict[str, Site]], _T]) -> _T:
        """``work`` with all sites; where degraded receipts are possible, with those that are there.

        A site that is out is left out from the start, one that fails is left out at another try. Raises
        SiteUnavailable when none is left, or where every site must take part; or where what was looked for
        is at none of them, and may be at one that was left out.
        """
        if not self.may_degrade():
            return work(dict(sites))
        there = self._health.usable(sites)
        while True:
            try:
                return work(there)
            except SiteUnavailable as error:
                if error.site not in there or len(there) == 1:
                    raise
                self._health.saw(error.site, "look", error)
                there = {name: site for name, site in there.items() if name != error.site}
            except NotFound as error:
                away = next((name for name in sites if name not in there), None)
                if away is None:
                    raise
                # One that was taken out, by a promotion for instance, may answer all the same.
                with suppress(SiteUnavailable):
                    return work(dict(sites))
                raise SiteUnavailable(
                    f"{error.message}; {away}, which does not answer, may hold it",
                    site=away,
                    may_be_stored=False,
                    hint="Send it again once that site is back.",
                ) from error

    def _others(self, out: Collection[str]) -> bool:
        """Is a site not among ``out``?"""
        return any(status.site not in out for status in self._health.snapshot())

    def _reason(self, site: str) -> str:
        return next(status.reason for status in self._health.snapshot() if status.site == site)

    def _fell_back(self, gateway: str) -> bool:
        """True while a site that came back catches up and this gateway follows the appliance's fall_back."""
        if not self._fall_back or not self._health.catching_up():
            return False
        return self._gateways.policy_of(gateway) is None

    def _appliance(self) -> Policy:
        if self._lead.leadership.alone:
            return "any"
        return "any" if self._fall_back and self._health.out() else self._policy

"""One probe of a site's store, signed and on record; or a decision to trust the store without one."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import InvalidInput, SiteUnavailable
from vanvault.archiver.stores import (
    FileUrl,
    optional_credentials,
    parse_site_url,
    site_credentials,
)
from vanvault.archiver.stores.probe import attacker, probe_file, probe_s3
from vanvault.archiver.stores.verdict import (
    ProbeResult,
    override_detail,
    override_event,
    probe_event,
    signed_detail,
)
from vanvault.recovery.work import QUIET, Observer

_EXIT = {
    "pass": ExitCode.OK,
    "weak": ExitCode.PROBE_WEAK,
    "refused": ExitCode.PROBE_REFUSED,
    "unreachable": ExitCode.PROBE_UNREACHABLE,
}
#: How long a store may be trusted without a probe.
MAX_OVERRIDE_DAYS = 90


@dataclass(frozen=True, slots=True)
class ProbeRequest:
    """Which site's store to attack."""

    site: str


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """What the store did, and whether the archive holds the signed result."""

    result: ProbeResult
    archived: bool

    @property
    def exit_code(self) -> ExitCode:
        return _EXIT[self.result.verdict]

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {**self.result.as_dict(), "archived": self.archived}


@dataclass(frozen=True, slots=True)
class OverrideRequest:
    """Trust a site's store without a probe."""

    site: str
    reason: str
    days: int = 7
    who: str = ""  # who decided, for the record


def probe(archive: Archive, request: ProbeRequest, observer: Observer = QUIET) -> ProbeReport:
    """Attack the store with every credential that the appliance holds; sign and archive the result.

    Raises InvalidInput (no such site), SettingsError, AccessDenied, KeyUnavailable.
    """
    result = probe_store(archive, request.site)
    if result.verdict == "unreachable":
        return ProbeReport(result, archived=False)
    try:
        archive.record(probe_event(result.site), signed_detail(result, archive.signing.active()))
    except SiteUnavailable as error:
        observer.warn(f"the result could not be archived ({error.message}); intake will not know of it")
        return ProbeReport(result, archived=False)
    return ProbeReport(result, archived=True)


def probe_store(archive: Archive, site: str, environment: Mapping[str, str] = os.environ) -> ProbeResult:
    """Probe one site as its settings and credentials say; nothing goes on record.

    Raises InvalidInput (no such site), SettingsError, AccessDenied.
    """
    url = archive.endpoint(site)
    settings = getattr(archive.settings.sites, site)
    place = parse_site_url(url)
    if isinstance(place, FileUrl):
        found = probe_file(site, archive.home / place.path, immutable=settings.immutable)
        return replace(found, endpoint=url)  # as intake will ask for it
    options = settings.s3.options()
    held = site_credentials(site, environment)
    attackers = [attacker(duty, place.endpoint, pair, options) for duty, pair in held.by_duty().items()]
    for duty in ("disposer", "prober", "admin"):
        extra = optional_credentials(site, duty, environment)
        if extra is not None:
            attackers.append(attacker(duty, place.endpoint, extra, options))
    return probe_s3(site, url, attackers, max_skew=timedelta(seconds=archive.settings.clock.max_skew_s))


def override_probe(
    archive: Archive, request: OverrideRequest, ask: Callable[[], object] = lambda: None
) -> dict[str, object]:
    """Put on record that a store is trusted without a probe, until when and why; the event's detail.

    ``ask`` is called once the request is checked: it raises where others must approve it first.

    Raises InvalidInput, SiteUnavailable, KeyUnavailable.
    """
    archive.endpoint(request.site)
    if not request.reason.strip():
        raise InvalidInput("--override needs a reason", field="reason", hint="Say why: --reason TEXT.")
    if not 1 <= request.days <= MAX_OVERRIDE_DAYS:
        raise InvalidInput(f"--days is from 1 to {MAX_OVERRIDE_DAYS}", field="days")
    ask()
    until = archive.clock.now() + timedelta(days=request.days)
    detail = override_detail(request.site, request.reason.strip(), request.who, until)
    archive.record(override_event(request.site), detail)
    return detail

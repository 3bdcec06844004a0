"""What an archive is made of: settings, keys, sites, clock and chance, opened before the archive itself.

``open_components`` makes them from a home. Tests and drills replace what they need
(``dataclasses.replace``) and hand the rest on, so that an archive is put together in one place only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from vanvault.archiver.appliance.places import check_places_of
from vanvault.archiver.core.faults import Fault, no_fault
from vanvault.archiver.core.key_port import MasterKeys
from vanvault.archiver.core.object_limits import LockRules, ObjectSizes
from vanvault.archiver.core.ports import Ports
from vanvault.archiver.core.retention import Profile, profile, with_years
from vanvault.archiver.core.settings import SITE_NAMES, Settings
from vanvault.archiver.home_files import KEYS_FOLDER, load_settings
from vanvault.archiver.keys import ObjectTrust, SigningKeys, open_masters
from vanvault.archiver.people import Gateways
from vanvault.archiver.replicas import Gate, GateRules, GuardedSite, Quarantine
from vanvault.archiver.stores import Site, open_site


@dataclass(frozen=True, slots=True)
class Components:
    """Everything that is opened before an archive and passed to it."""

    home: Path  # caches, index files and locks of this process lie below it
    settings: Settings
    ports: Ports
    keys: MasterKeys
    signing: SigningKeys
    object_trust: ObjectTrust  # by ``signing`` and the archive's id
    gateways: Gateways
    sites: Mapping[str, Site]  # by name, in the order in which they are asked
    rules: GateRules  # what of the sites comes through
    quarantine: Quarantine  # what of them does not
    fault: Fault = no_fault  # called with the name of each step of a write
    settings_home: Path | None = None  # where relative paths of the settings begin; None: at ``home``
    keeping: tuple[str, ...] = ()  # sites at which index files are kept, where the settings say so

    def on_new_node(self, home: Path, sites: Mapping[str, Site], *, kept_index: bool = False) -> Components:
        """The same archive for a node whose caches, still empty, and index lie below ``home``.

        ``kept_index``: it uses what the sites of the settings keep of the index.
        """
        index = self.settings.index.model_copy(update={"url": "file:index"})
        settings = self.settings.model_copy(update={"index": index})
        return replace(
            self,
            home=home,
            sites=sites,
            settings=settings,
            keeping=self.keeping if kept_index else (),
            settings_home=self.settings_home or self.home,
        )

    def with_keys(self, keys: MasterKeys, signing: SigningKeys) -> Components:
        """The same archive under other keys, as after they were brought back from escrow."""
        trust = ObjectTrust(self.settings.archive, signing, self.ports.stopwatch)
        return replace(self, keys=keys, signing=signing, object_trust=trust)


def open_components(
    home: Path,
    *,
    ports: Ports | None = None,
    sites: Mapping[str, Site] | None = None,
    fault: Fault = no_fault,
    store_fault: Fault = no_fault,
) -> Components:
    """Open what the settings of a home name; touches no network beyond the sites.

    Args:
        sites: in place of those that the settings name.
        fault, store_fault: called with the name of each step of a write, of the archive and of file sites.

    Raises SettingsError, KeyUnavailable. A site that is away does not stop this: its use does.
    """
    ports = ports or Ports()
    settings = load_settings(home)
    keeping: tuple[str, ...] = ()
    if sites is None:
        keeping = SITE_NAMES
        check_places_of(home, settings)
        sites = {name: _open_site(name, home, settings, ports, store_fault) for name in SITE_NAMES}
    keys = open_masters(home, home / KEYS_FOLDER, settings.keys, settings.archive, ports.entropy)
    signing = SigningKeys(home / KEYS_FOLDER)
    trust = ObjectTrust(settings.archive, signing, ports.stopwatch)
    rules, quarantine = rules_of(settings), Quarantine(ports.clock)
    gate = Gate(trust.judge, rules, quarantine, ports.clock)
    return Components(
        home=home,
        settings=settings,
        ports=ports,
        keys=keys,
        signing=signing,
        object_trust=trust,
        gateways=Gateways(home),
        sites={name: GuardedSite(site, gate) for name, site in sites.items()},
        rules=rules,
        quarantine=quarantine,
        fault=fault,
        keeping=keeping,
    )


def rules_of(settings: Settings) -> GateRules:
    """How large objects may be and how long they may be locked. Raises SettingsError (the profile)."""
    intake = settings.intake
    return GateRules(
        ObjectSizes.under(
            pool=intake.pool_limits(),
            segments=settings.compaction.limits(),
            max_message_bytes=intake.max_message_bytes,
            large_message_bytes=intake.large_message_bytes,
        ),
        LockRules(profile_of(settings), settings.compaction.lock_pace().lock),
    )


def profile_of(settings: Settings) -> Profile:
    """The retention profile with what the settings change of it. Raises SettingsError."""
    return with_years(profile(settings.retention.profile), originals=settings.retention.originals_years)


def _open_site(name: str, home: Path, settings: Settings, ports: Ports, fault: Fault) -> Site:
    place = getattr(settings.sites, name)
    return open_site(
        name,
        place.url,
        home=home,
        archive=settings.archive,
        clock=ports.clock,
        immutable=place.immutable,
        fault=fault,
        file=place.file_options(),
        s3=place.s3.options(),
    )

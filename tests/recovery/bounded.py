"""A process that starts a node, compares, verifies and restores, and prints the most memory that it had."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from tests.support.lab import Lab
from vanvault.recovery.objects import signed_dates
from vanvault.recovery.reconcile import reconcile_sites
from vanvault.recovery.restore import restore_site
from vanvault.recovery.restore.archive import survey
from vanvault.recovery.verify import verify_archive

lab = Lab(Path(sys.argv[1]))
with lab.open() as archive:
    archive.catch_up(settle=True)
    writer, _ = archive.open_writer()
    writer.close()
    verify_archive(archive, pause=lambda: None)
    report = reconcile_sites(
        archive.sites, locks=archive.rules.locks, signed=signed_dates(archive), pause=lambda: None
    )
    assert report.level, report
    for version in archive.sites["primary"].list():
        lab.drop("primary", version.key)
    plan = survey(archive, "standby", create=True)
    assert restore_site(plan, archive.sites["standby"], archive.sites["primary"]).whole
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)  # KiB

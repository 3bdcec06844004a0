"""``python -m tests.servers.store_table``: probe real servers, print the tables of docs/stores.md."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.servers.ceph import CephServer
from tests.servers.endpoint import Server
from tests.servers.minio import VERSION, MinioServer
from vanvault.archiver.core.ports import SystemClock
from vanvault.archiver.stores import Credentials, FileSite
from vanvault.archiver.stores.probe import attacker, probe_file, probe_s3
from vanvault.archiver.stores.probe.checks import CHECKS
from vanvault.archiver.stores.verdict import ProbeResult

CEPH_VERSION = "16.2.15 (Debian 12)"


def probe(server: Server) -> ProbeResult:
    """Probe as the administrator, the strongest insider there is over S3."""
    at = server.endpoint
    return probe_s3("table", at.url, [attacker("admin", at.url, Credentials(at.access_key, at.secret_key))])


def table(title: str, result: ProbeResult) -> str:
    """One store's findings and capabilities as Markdown."""
    took = (result.finished_at - result.started_at).total_seconds()
    lines = [
        f"### {title}: {result.verdict}",
        "",
        f"Probed on {result.started_at:%Y-%m-%d} in {took:.0f} s.",
        "",
        "| # | Check | Means | Result | What was seen |",
        "|---|---|---|---|---|",
    ]
    for one in result.findings:
        failed = "**noted**" if one.severity == "info" else f"**{one.severity}**"
        unproved = one.check.startswith("unproved-")
        mark = "not provable" if unproved else "ok" if one.ok else failed
        detail = one.detail.replace("|", "\\|")
        lines.append(f"| {one.group} | `{one.check}` | {CHECKS[one.check].title} | {mark} | {detail} |")
    able = [name for name, can in sorted(result.capabilities.items()) if can]
    lacking = [name for name, can in sorted(result.capabilities.items()) if not can]
    lines += ["", f"Can: {', '.join(able)}. Cannot, or not shown: {', '.join(lacking) or 'nothing'}.", ""]
    return "\n".join(lines)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for title, start in ((f"MinIO {VERSION}", MinioServer), (f"Ceph RGW {CEPH_VERSION}", CephServer)):
            server = start(Path(folder) / start.kind)
            try:
                print(table(title, probe(server)))
            finally:
                server.stop()
        for title, immutable in (("File store", False), ("File store, immutable flag on", True)):
            root = Path(folder) / f"file-{immutable}"
            FileSite.create(root, "table", archive="table", clock=SystemClock())
            print(table(title, probe_file("table", root, immutable=immutable)))


if __name__ == "__main__":
    main()

"""Pages of the console over ten years of entries: time and bytes of each, first and warm, beside the API.

    python benchmarks/console.py [--rows N] [--quick] [--rounds N] [--seed N] [--folder DIR]

See README.md beside this file for what is measured.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import middle, percentile, said, serving
from benchmarks.places import add_options, place_for
from benchmarks.ten_years import days, write_segment

from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.people.accounts import NewAccount
from vanvault.recovery.accounts import Desk, add_account
from vanvault.recovery.sign_on import make_demo_link

PEOPLE = {"lan": "auditor-original", "vinh": "operator", "tam": "security-officer"}
#: Page -> who opens it, its address, and the route of the API that gives the same. {entry} is an entry's id.
PAGES = {
    "home": ("lan", "/console", "/v1/session"),
    "inbox": ("lan", "/console/inbox", "/v1/approvals"),
    "search form": ("lan", "/console/search", ""),
    "search, newest": ("lan", "/console/search?order=newest", "/v1/search?limit=50"),
    "search, employer": (
        "lan",
        "/console/search?employer_code={employer}",
        "/v1/search?limit=50&employer_code={employer}",
    ),
    "search, one year": (
        "lan",
        "/console/search?during=2020&order=newest",
        "/v1/search?limit=50&from=2020-01-01T00:00:00Z&to=2021-01-01T00:00:00Z",
    ),
    "entry": ("lan", "/console/messages/{entry}", "/v1/messages/{entry}"),
    "jobs": ("vinh", "/console/jobs", "/v1/jobs"),
    "sites": ("vinh", "/console/sites", ""),
    "holds": ("tam", "/console/holds", ""),
    "disposals": ("lan", "/console/disposals", "/v1/disposals"),
    "access log": ("tam", "/console/access", "/v1/access"),
    "people": ("tam", "/console/people", ""),
    "reports": ("tam", "/console/reports", ""),
    "law": ("lan", "/console/law", ""),
    "help": ("lan", "/console/help", ""),
}


def main() -> None:
    """Measure, print a table, and one line of JSON."""
    arguments = _arguments()
    rows = 40_000 if arguments.quick else arguments.rows
    with place_for("console", arguments) as place:
        home = place.folder / "home"
        token = init_home(home, demo=True)
        said(f"writing {rows} entries")
        with Archive.open(home) as archive:
            for day in days(rows, arguments.seed):
                write_segment(archive, day, level=1, sites=("primary", "standby"), whole=True)
            assert not archive.index.rebuild().unreadable
            desk = Desk(archive, "benchmark")
            for name, role in PEOPLE.items():
                add_account(desk, NewAccount(name, "person", name, roles=(role,)))
            links = {name: make_demo_link(desk, name).secret for name in PEOPLE}
        said("serving")
        with serving(home, token) as server:
            address = f"http://127.0.0.1:{server.port}"
            with httpx.Client(base_url=address, trust_env=False, timeout=120) as client:
                cookies = {name: _cookie(client, secret) for name, secret in links.items()}
                found = _pages(client, cookies, _pushed(client, token), arguments.rounds)
    _print_table(found)
    print(json.dumps({"rows": rows, "rounds": arguments.rounds, "pages": found} | place.facts()))


def _cookie(client: httpx.Client, secret: str) -> str:
    """What a browser would send: that of the session alone. Raises SystemExit."""
    answer = client.get(f"/console/demo?link={secret}")
    for line in answer.headers.get_list("set-cookie"):
        for name, morsel in SimpleCookie(line).items():
            if name == "__Host-vanvault" and morsel.value:
                client.cookies.clear()
                return f"{name}={morsel.value}"
    raise SystemExit(f"nobody was signed on: {answer.status_code}")


def _pushed(client: httpx.Client, token: str) -> str:
    """The id of one message with a true receipt, which made segments have not."""
    headers = {"Authorization": f"Bearer {token}", "Vanvault-Message-Id": "one"}
    answer = client.post("/v1/messages", content=b"<Hoso/>", headers=headers)
    return str(answer.raise_for_status().json()["id"])


def _pages(
    client: httpx.Client, cookies: Mapping[str, str], entry: str, rounds: int
) -> dict[str, dict[str, Any]]:
    """By page: milliseconds of the first answer, median and 95th percentile of the others, bytes."""
    asked = "/v1/search?limit=1&entry=message&to=2025-01-01T00:00:00Z"
    newest = client.get(asked, headers={"Cookie": cookies["lan"]}).json()["items"][0]
    values = {"entry": entry, "employer": newest["employer_code"]}
    found: dict[str, dict[str, Any]] = {}
    for name, (who, page, route) in PAGES.items():
        headers = {"Cookie": cookies[who], "Accept-Language": "vi"}
        told: dict[str, Any] = {}
        for what, path in (("page", page), ("api", route)):
            if not path:
                continue
            times = []
            for _ in range(1 + rounds):
                began = time.perf_counter()
                answer = client.get(path.format(**values), headers=headers, follow_redirects=True)
                times.append((time.perf_counter() - began) * 1000)
            told[f"{what}_status"] = answer.status_code
            told[f"{what}_bytes"] = len(answer.content)
            told[f"{what}_first_ms"] = round(times[0], 1)
            told[f"{what}_ms"] = middle(times[1:], 1)
            told[f"{what}_p95_ms"] = round(percentile(times[1:], 0.95), 1)
        found[name] = told
    return found


def _print_table(found: Mapping[str, Mapping[str, Any]]) -> None:
    head = ("page", "first ms", "p50 ms", "p95 ms", "kB", "API p50 ms", "API kB")
    print("{:<18}{:>10}{:>10}{:>10}{:>8}{:>12}{:>8}".format(*head))
    for name, one in found.items():
        wrong = "" if one["page_status"] == 200 else f"  status {one['page_status']}"
        api = f"{one['api_ms']:>12}{one['api_bytes'] / 1000:>8.1f}" if "api_ms" in one else ""
        figures = "".join(f"{one[key]:>10}" for key in ("page_first_ms", "page_ms", "page_p95_ms"))
        print(f"{name:<18}{figures}{one['page_bytes'] / 1000:>8.1f}{api}{wrong}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--quick", action="store_true", help="40,000 rows")
    parser.add_argument("--rounds", type=int, default=20, help="answers of each page after the first")
    parser.add_argument("--seed", type=int, default=1)
    add_options(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()

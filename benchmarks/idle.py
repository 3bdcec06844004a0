"""CPU that a node costs, itself and its two MinIO servers, while nobody calls it.

A node takes messages one after another, each a batch of its own, and is then left alone. Beside it stands an
idle MinIO, as a measure of the machine.

    python benchmarks/idle.py [--messages N] [--seconds S]

The last line is JSON: ``node_cpu`` and ``servers_cpu`` in CPU seconds for each second of rest, and
``pushed_per_s`` of the one client before it.
"""

from __future__ import annotations

import argparse
import json
import time

from common import cpu_s, serving
from failover import Client
from minio_sites import minio, minio_sites, server_cpu_s
from places import add_options, place_for


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=600)
    parser.add_argument("--seconds", type=float, default=30, help="of rest")
    add_options(parser)
    options = parser.parse_args()
    with place_for("idle", options) as place:
        folder = place.folder
        with minio(folder / "alone") as alone, minio_sites(folder) as sites:
            token = sites.init(folder / "home")
            with serving(folder / "home", token) as server:
                client = Client(server)
                began = time.monotonic()
                for number in range(options.messages):
                    while not client.push(f"m-{number}"):
                        time.sleep(0.05)
                pushing_s = time.monotonic() - began
                time.sleep(2)  # what the last push left to do
                before = cpu_s(server.pid), sites.cpu_s(), server_cpu_s(alone)
                time.sleep(options.seconds)
                after = cpu_s(server.pid), sites.cpu_s(), server_cpu_s(alone)
    node, servers, one = ((b - a) / options.seconds for a, b in zip(before, after, strict=True))
    line = {
        "benchmark": "idle",
        "messages": options.messages,
        **place.facts(),
        "pushed_per_s": round(options.messages / pushing_s, 1),
        "node_cpu": round(node, 3),
        "servers_cpu": round(servers, 3),
        "idle_server_cpu": round(one, 3),
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()

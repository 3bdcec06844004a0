"""The keys that ``vanvault keys unwrap --output keys.json`` wrote, and the objects that they open.

Needs nothing of VanVault. Objects are looked for in a copy of a file site (its folder, as it is), or in a
folder into which an S3 client copied them under their own names. Each is compared with the SHA-256 in its
name, so what a recipe reads is what the archive wrote, or it stops.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Opened:
    """One object, where it lies here, and its key."""

    name: str  # such as segment/01m.../0000000000-....log.parquet
    path: Path
    key: bytes  # 32
    wrapped: str  # the same key under a master key of the archive, as the file itself holds it (base64)

    @property
    def kind(self) -> str:
        """messages or events (of a batch); log or originals (of a segment)."""
        return self.name.split(".")[-2]

    @property
    def key_base64(self) -> str:
        return base64.b64encode(self.key).decode()


def opened(keys: Path, site: Path) -> Iterator[Opened]:
    """Every object of a bundle, found and checked. Ends the program where one is not there or not whole."""
    bundle = json.loads(keys.read_text(encoding="utf-8"))
    if bundle["format"] != "vanvault-keys-v1":
        raise SystemExit(f"{keys} is of a format that this recipe does not know: {bundle['format']}")
    for one in bundle["opens"]:
        name = one["object"]
        path = found(site, name)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != name.split("/")[-1].split(".")[0].split("-")[1]:
            raise SystemExit(f"{path} is not what its name says: its SHA-256 is {digest}")
        yield Opened(name, path, base64.b64decode(one["key_base64"]), one["wrapped_base64"])


def found(site: Path, name: str) -> Path:
    """The file of an object: under its own name, or the newest version in the folder of a file site."""
    plain = site / name
    if plain.is_file():
        return plain
    folder, _, last = name.rpartition("/")
    shard = site / "objects" / folder / f"~{last[:7]}"
    versions = sorted(path for path in shard.glob(f"{last}~*") if path.name.count("~") == 1)
    if not versions:
        raise SystemExit(f"{site} does not hold {name}")
    return versions[-1]

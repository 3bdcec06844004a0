"""What somebody may do who has every right at one site: an operator of its disks, or of its bucket."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Protocol

from botocore.exceptions import ClientError

from tests.faults.hostile.view import ALPHABET, View, view_of_bucket, view_of_folder


class Unfit(Exception):
    """An act has nothing left to be done to in this world."""


FOR_EVER = datetime(9998, 12, 31, 23, 59, 59, tzinfo=UTC)


class Hand(Protocol):
    """At a site of either kind."""

    def view(self) -> View:
        """What lies there now."""
        ...

    def data(self, key: str) -> bytes:
        """The bytes of the newest version."""
        ...

    def put(self, key: str, data: bytes, until: datetime = FOR_EVER) -> None:
        """A new version on top, which looks as if the product had put it."""
        ...

    def change(self, key: str, change: Callable[[bytes], bytes]) -> None:
        """Other bytes for those who read the key."""
        ...

    def remove(self, key: str) -> None:
        """Let the key be gone, for those who list and read as programs do."""
        ...

    def prolong(self, key: str, until: datetime) -> None:
        """Let the lock of the newest version end later."""
        ...


@dataclass
class FileHand:
    """At a file site (archiver/stores/LAYOUT.md)."""

    root: Path
    random: Random
    now: Callable[[], datetime]

    @property
    def objects(self) -> Path:
        return self.root / "objects"

    def view(self) -> View:
        return view_of_folder(self.root)

    def folder(self, key: str) -> Path:
        parents, _, last = key.rpartition("/")
        return self.objects / parents / f"~{last[:7]}"

    def paths(self, key: str) -> list[Path]:
        """The files of a key's versions, oldest first."""
        last = key.rpartition("/")[2]
        return sorted(path for path in self.folder(key).glob(f"{last}~*") if path.name.count("~") == 1)

    def newest(self, key: str) -> Path:
        found = self.paths(key)
        if not found:
            raise Unfit(f"{key} is not there any more")
        return found[-1]

    def data(self, key: str) -> bytes:
        return self.newest(key).read_bytes()

    def new_path(self, key: str, until: datetime = FOR_EVER, at: datetime | None = None) -> Path:
        """Where a new version would lie, in a folder that is there."""
        ms = int((at or self.now()).timestamp() * 1000)
        version = "".join(ALPHABET[ms >> (5 * place) & 31] for place in reversed(range(9)))
        version += "".join(self.random.choice(ALPHABET) for _ in range(6))
        folder = self.folder(key)
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{key.rpartition('/')[2]}~{version}-{date_text(until)}"

    def put(self, key: str, data: bytes, until: datetime = FOR_EVER) -> None:
        path = self.new_path(key, until)
        path.write_bytes(data)
        path.chmod(0o440)

    def change(self, key: str, change: Callable[[bytes], bytes]) -> None:
        with self.writable(self.newest(key)) as path:
            path.write_bytes(change(path.read_bytes()))

    def remove(self, key: str) -> None:
        last = key.rpartition("/")[2]
        for path in list(self.folder(key).glob(f"{last}~*")):
            path.unlink()

    def prolong(self, key: str, until: datetime) -> None:
        path = self.newest(key)
        path.with_name(f"{path.name}~{date_text(until)}").touch(mode=0o440)

    def shorten(self, key: str, until: datetime) -> None:
        """Let the locks of all versions end at ``until``: their dates stand in the names."""
        last = key.rpartition("/")[2]
        for path in list(self.folder(key).glob(f"{last}~*")):
            if path.name.count("~") == 2:
                path.unlink()
            else:
                path.rename(path.with_name(path.name[: -len("20371123T000000Z")] + date_text(until)))

    @contextmanager
    def writable(self, path: Path) -> Iterator[Path]:
        path.chmod(0o640)
        yield path
        path.chmod(0o440)

    def wipe(self) -> None:
        """Remove the folder whole."""
        shutil.rmtree(self.root)


@dataclass
class BucketHand:
    """At a bucket, with the credentials of the server's administrator."""

    client: Any  # boto3
    bucket: str
    now: Callable[[], datetime]

    def view(self) -> View:
        return view_of_bucket(self.client, self.bucket)

    def data(self, key: str) -> bytes:
        with _there(key):
            return bytes(self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read())

    def put(self, key: str, data: bytes, until: datetime = FOR_EVER) -> None:
        lock = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": until}
        self.client.put_object(Bucket=self.bucket, Key=key, Body=data, **lock)

    def change(self, key: str, change: Callable[[bytes], bytes]) -> None:
        self.put(key, change(self.data(key)), self.now() + timedelta(days=40))

    def remove(self, key: str) -> None:
        self.client.delete_object(Bucket=self.bucket, Key=key)

    def prolong(self, key: str, until: datetime) -> None:
        lock = {"Mode": "COMPLIANCE", "RetainUntilDate": until}
        with _there(key):
            self.client.put_object_retention(Bucket=self.bucket, Key=key, Retention=lock)


@contextmanager
def _there(key: str) -> Iterator[None]:
    """Raises Unfit where an earlier act took the key away."""
    try:
        yield
    except ClientError as error:
        # A retention is refused for a delete marker, which has none.
        if error.response["Error"]["Code"] not in ("NoSuchKey", "MethodNotAllowed"):
            raise
        raise Unfit(f"{key} is not there any more") from error


def date_text(moment: datetime) -> str:
    """As it stands in names of files."""
    return f"{moment.year:04d}{moment:%m%dT%H%M%SZ}"


def link_in_place(path: Path, make: Callable[[Path], None]) -> None:
    """Something else where a file was."""
    path.unlink()
    make(path)


def fifo(path: Path) -> None:
    os.mkfifo(path)

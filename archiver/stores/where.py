"""The places that the settings of a home name, looked at on this host and compared (``places.py``)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import TimeoutError as NotInTime
from contextlib import contextmanager
from pathlib import Path

from vanvault.archiver.core.errors import InvalidInput, SettingsError
from vanvault.archiver.stores.daemon_threads import DaemonThreads
from vanvault.archiver.stores.places import (
    BucketPlace,
    FolderPlace,
    SomePlace,
    bucket_of,
    check_apart,
    lost_together,
)
from vanvault.archiver.stores.url import FileUrl, S3Url, check_folder, check_repository, parse_site_url

#: Seconds in which a file system tells what a folder is. One that hangs (a hard NFS mount whose server is
#: gone) is not waited for longer: then paths are compared as they are written.
PATIENCE_S = 5.0


def check_places(
    home: Path,
    urls: Mapping[str, str],
    repository: str | None = None,
    folders: Mapping[str, str] | None = None,
) -> None:
    """No two parts of a home may be one place, or one within the other.

    ``urls``: of sites and folders, by the names of their settings; ``repository``: as restic names it;
    ``folders``: paths. Raises SettingsError that names the setting.
    """
    parsed = {name: _parsed(name, url) for name, url in urls.items()}
    for name, path in (folders or {}).items():
        with _naming(name):
            check_folder(path)
        parsed[name] = FileUrl(path)
    if repository is not None:
        with _naming("backup.repository"):
            if check_repository(repository):
                parsed["backup.repository"] = FileUrl(repository)
    places = _looked_at(home, parsed)
    if repository is not None and repository.startswith("s3:"):
        places["backup.repository"] = _repository(repository.removeprefix("s3:"))
    check_apart({name: place for name, place in places.items() if name}, places[""])


def sites_together(home: Path, primary: str, standby: str) -> str:
    """Why both sites may be lost at once, for people; empty: nothing that can be seen from here.

    Raises SettingsError (a URL).
    """
    urls = {"primary": primary, "standby": standby}
    places = _looked_at(home, {name: _parsed(name, url) for name, url in urls.items()})
    return lost_together(places["primary"], places["standby"])


def _repository(url: str) -> BucketPlace:
    endpoint, _, path = url.partition("://")[2].partition("/") if "://" in url else url.partition("/")
    scheme = "http" if url.startswith("http://") else "https"
    bucket, _, prefix = path.strip("/").partition("/")
    return bucket_of(S3Url(f"{scheme}://{endpoint}", bucket), f"{prefix}/" if prefix else "")


def _parsed(name: str, url: str) -> FileUrl | S3Url:
    with _naming(name):
        return parse_site_url(url)


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """What is wrong with a place is told with the name of its setting."""
    try:
        yield
    except (InvalidInput, SettingsError) as error:
        raise SettingsError(f"{name}: {error.message}", hint=error.hint) from error


def _looked_at(home: Path, parsed: Mapping[str, FileUrl | S3Url]) -> dict[str, SomePlace]:
    """Every place by its name; that of the home under the empty name."""
    folders = {name: home / url.path for name, url in parsed.items() if isinstance(url, FileUrl)} | {"": home}
    threads = DaemonThreads(1, "vanvault-places")
    try:
        found = threads.submit(lambda: {name: _look_at(path) for name, path in folders.items()})
        looked = found.result(PATIENCE_S)
    except (NotInTime, OSError):
        looked = {
            name: FolderPlace(Path(os.path.normpath(path.absolute()))) for name, path in folders.items()
        }
    finally:
        threads.close()
    buckets = {name: bucket_of(url) for name, url in parsed.items() if isinstance(url, S3Url)}
    return {**looked, **buckets}


def _look_at(path: Path) -> FolderPlace:
    real = Path(os.path.realpath(path))
    ids = {folder: _stat(folder) for folder in (real, *real.parents)}
    there = next((found for found in ids.values() if found is not None), None)
    own = ids.pop(real)
    return FolderPlace(
        path=real,
        id=own and (own.st_dev, own.st_ino),
        above=frozenset((found.st_dev, found.st_ino) for found in ids.values() if found is not None),
        device=there and there.st_dev,
    )


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:  # it is not there, or may not be looked at
        return None

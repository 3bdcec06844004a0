"""Whole-archive jobs, cut into independent items: in this process, on a process pool, or on Dask.

A job is a function of the top level of a module, ``function(home, argument)``: its worker is another process,
maybe on another machine, which opens the home by its path and sends back what it returns. It must be safe to
run twice, because a worker that dies is replaced and its item is done again.

Dask is used over TLS only: who may speak to a scheduler runs code on its workers, which hold keys.

Memory: arguments are taken, and results kept, for twice as many items as there are workers and no more.
"""

from __future__ import annotations

import importlib
import os
import ssl
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Future, wait
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from vanvault.archiver.core.errors import SettingsError, SiteUnavailable
from vanvault.archiver.core.settings import JobsSettings
from vanvault.archiver.core_dumps import forbid_core_dumps

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

    from vanvault.archiver.upkeep import Jobs

_Argument = TypeVar("_Argument")
_Result = TypeVar("_Result")

#: Times that one item may take its worker down with it before the job is given up.
_ATTEMPTS = 3
#: Items begun before the oldest result is taken, for each worker: none of them waits for this process.
_AHEAD = 2
#: With more cores nothing is forked early: each process takes some milliseconds, whether it is needed or not.
_MOST_EARLY = 16
#: Loaded once for all processes, as most jobs need them: 70 ms, which short commands do without.
_LOADED = ("pyarrow.compute", "pyarrow.parquet")


class InProcess:
    """One after the other, here: for one item, for small machines, and to compare with."""

    ready = True

    def __init__(self, home: Path) -> None:
        self._home = home

    def start(self, function: Callable[[Path, Any], object]) -> None:
        """Nothing has to be started."""

    def map(
        self, function: Callable[[Path, _Argument], _Result], arguments: Iterable[_Argument]
    ) -> Generator[_Result, None, None]:
        return (function(self._home, argument) for argument in arguments)


class ProcessPool:
    """On processes of this machine, which start with the first job and end when this is closed.

    Their start takes about a second, for which ``start`` does not keep its caller.
    """

    def __init__(
        self, home: Path, workers: int, *, ready: bool = False, pool: ProcessPoolExecutor | None = None
    ) -> None:
        """``ready``: send even little work, for which the start of processes does not pay.

        ``pool``: so many processes that are there already; they end with this.
        """
        self._home = home
        self._workers = workers
        self._pool = pool
        self._starting: threading.Thread | None = None
        self._small_work = ready or pool is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def ready(self) -> bool:
        """Are there processes that need not be waited for?"""
        return self._small_work or (self._starting is not None and not self._starting.is_alive())

    def start(self, function: Callable[[Path, Any], object]) -> None:
        """Start the processes on a thread; what keeps them from starting is told by ``map``."""
        if self._pool is not None:
            return
        pool = self._pool_for(function)

        def wait_for_them() -> None:
            with suppress(BrokenExecutor, CancelledError, OSError, RuntimeError):
                wait([pool.submit(os.getpid) for _ in range(self._workers)])

        self._starting = threading.Thread(target=wait_for_them, name="workers-start", daemon=True)
        self._starting.start()

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def map(
        self, function: Callable[[Path, _Argument], _Result], arguments: Iterable[_Argument]
    ) -> Generator[_Result, None, None]:
        rest, attempts = iter(arguments), 0
        begun: deque[_Argument] = deque()  # taken, but without a result yet
        futures: deque[Future[_Result]] = deque()
        try:
            while True:
                begun.extend(islice(rest, _AHEAD * self._workers - len(begun)))
                if not begun:
                    return
                try:
                    for argument in islice(begun, len(futures), None):
                        futures.append(self._submit(function, argument))
                    result = futures[0].result()
                except BrokenExecutor as error:
                    self.close()
                    futures.clear()
                    attempts += 1
                    if attempts == _ATTEMPTS:
                        raise SiteUnavailable(
                            f"worker processes died {_ATTEMPTS} times over the same item",
                            site="this machine",
                            hint="Look at the machine's log: it may have run out of memory.",
                        ) from error
                    continue
                futures.popleft()
                begun.popleft()
                attempts = 0
                yield result
        finally:
            # What runs is waited for: nothing goes on behind the back of who left the job.
            wait([future for future in futures if not future.cancel()])

    def _submit(self, function: Callable[[Path, _Argument], _Result], argument: _Argument) -> Future[_Result]:
        return self._pool_for(function).submit(function, self._home, argument)

    def _pool_for(self, function: Callable[[Path, Any], object]) -> ProcessPoolExecutor:
        """The processes; the first ones are made for this function."""
        if self._pool is None:
            from vanvault.archiver.upkeep import spawn_workers  # loads what compaction needs

            self._pool = spawn_workers(self._workers, _module_of(function), *_LOADED)
        return self._pool


class Dask:
    """On the workers of a Dask scheduler, each of which has the home under the same path."""

    ready = True

    def __init__(self, home: Path, client: Any) -> None:
        self._home = home
        self._client = client

    def start(self, function: Callable[[Path, Any], object]) -> None:
        """Its workers were started by somebody else."""

    def map(
        self, function: Callable[[Path, _Argument], _Result], arguments: Iterable[_Argument]
    ) -> Generator[_Result, None, None]:
        rest = iter(arguments)
        futures: deque[Any] = deque()
        try:
            while True:
                for argument in islice(rest, max(0, self._room() - len(futures))):
                    # Not pure: the same call again, after a repair for instance, must be made again.
                    futures.append(self._client.submit(_guarded, function, self._home, argument, pure=False))
                if not futures:
                    return
                result = futures[0].result()
                futures.popleft()
                yield result
        except _killed_worker() as error:
            raise SiteUnavailable(
                "workers of the Dask scheduler died again and again over the same item",
                site="dask",
                hint="Look at the workers' logs: they may have run out of memory.",
            ) from error
        except (CancelledError, ConnectionError) as error:
            raise SiteUnavailable(
                "the Dask scheduler was lost during the job", site="dask", hint="Run the command again."
            ) from error
        finally:
            self._client.cancel(list(futures))

    def _room(self) -> int:
        """Items that may be begun at once: workers may have come or gone since the last one."""
        try:
            threads = sum(self._client.nthreads().values())
        except OSError as error:
            raise ConnectionError("no answer") from error
        return max(1, int(_AHEAD * threads))  # none yet: they may come


def _guarded(function: Callable[[Path, _Argument], _Result], home: Path, argument: _Argument) -> _Result:
    """In a worker of Dask, no process of ours: it opens keys, so none of its memory goes to a disk."""
    forbid_core_dumps()
    return function(home, argument)


class EarlyWorkers:
    """Processes that a program forks at its beginning, before it knows whether the settings ask for them."""

    def __init__(self) -> None:
        self.count = os.cpu_count() or 1  # as many as are asked for where the settings say nothing
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        from vanvault.archiver.upkeep import fork_workers

        if 1 < self.count <= _MOST_EARLY:
            self._pool = fork_workers(self.count)
        return self

    def __exit__(self, *_: object) -> None:
        self.take(0)

    def take(self, workers: int) -> ProcessPoolExecutor | None:
        """The processes, which whoever takes them ends; where another number is asked for, they end here.

        None: there are none, or none any more.
        """
        pool, self._pool = self._pool, None
        if pool is None or workers == self.count:
            return pool
        pool.shutdown(wait=True, cancel_futures=True)
        return None


@contextmanager
def open_jobs(home: Path, settings: JobsSettings, early: EarlyWorkers | None = None) -> Iterator[Jobs]:
    """Where the settings say, on ``early`` where these are as many.

    Raises SettingsError (no Dask, or no TLS), SiteUnavailable (no scheduler).
    """
    workers = settings.workers or os.cpu_count() or 1
    there = early.take(0 if settings.dask else workers) if early is not None else None
    if settings.dask:
        with _client(settings.dask, _security(home, settings)) as client:
            yield Dask(home.resolve(), client)
    elif workers == 1:
        yield InProcess(home)
    else:
        with ProcessPool(home.resolve(), workers, pool=there) as pool:
            yield pool


@contextmanager
def open_others(
    home: Path, settings: JobsSettings, early: EarlyWorkers | None = None
) -> Iterator[Jobs | None]:
    """Other processes where the settings say; None: this process works alone. Raises as ``open_jobs``."""
    with open_jobs(home, settings, early) as jobs:
        yield None if isinstance(jobs, InProcess) else jobs


def _module_of(function: Callable[..., object]) -> str:
    """Where a job's function lies, and so what a worker needs for it."""
    while isinstance(function, partial):
        function = function.func
    return function.__module__


def _client(address: str, security: Any) -> AbstractContextManager[Any]:
    try:
        client = _distributed().Client(address, security=security, timeout="10s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise SiteUnavailable(
            f"no Dask scheduler with a certificate of jobs.dask_ca answers at {address}",
            site="dask",
            may_be_stored=False,
            hint="Start it over TLS with a certificate of that CA (docs/workers.md), or unset jobs.dask.",
        ) from error
    return closing(client)


def _security(home: Path, settings: JobsSettings) -> Any:
    """TLS 1.3 in both directions: the other end must show a certificate of the CA, and so does this node.

    Raises SettingsError: a file that cannot be used.
    """
    files = {
        field: _pem(home, field, getattr(settings, field))
        for field in ("dask_ca", "dask_certificate", "dask_key")
    }
    if files["dask_key"].stat().st_mode & 0o077:
        raise SettingsError(
            f"jobs.dask_key: {files['dask_key']} is open to other users",
            hint="Give it to the user that runs VanVault and set its mode: chmod 600.",
        )
    try:
        context = ssl.create_default_context(cafile=str(files["dask_ca"]))
        context.load_cert_chain(files["dask_certificate"], files["dask_key"], password=_no_password)
    except (ssl.SSLError, ValueError) as error:
        raise SettingsError(
            "jobs.dask_ca, jobs.dask_certificate, jobs.dask_key: OpenSSL does not take these files: "
            f"{getattr(error, 'reason', None) or error}",
            hint="Each is a PEM file, and the key, without a password, is the certificate's.",
        ) from error
    return _distributed().Security(
        require_encryption=True,
        tls_ca_file=str(files["dask_ca"]),
        tls_client_cert=str(files["dask_certificate"]),
        tls_client_key=str(files["dask_key"]),
        tls_min_version=ssl.TLSVersion.TLSv1_3,
    )


def _pem(home: Path, field: str, value: str) -> Path:
    path = home / value
    if not os.access(path, os.R_OK) or not path.is_file():
        raise SettingsError(
            f"jobs.{field}: {path} cannot be read", hint="Write the path of a PEM file; docs/workers.md."
        )
    return path


def _no_password() -> str:
    raise ValueError("the key has a password")


def _distributed() -> Any:
    try:
        return importlib.import_module("distributed")
    except ImportError as error:
        raise SettingsError(
            "jobs.dask is set, but Dask is not installed", hint="Install vanvault[dask], or unset jobs.dask."
        ) from error


def _killed_worker() -> type[Exception]:
    kind: type[Exception] = _distributed().KilledWorker
    return kind

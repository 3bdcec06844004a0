"""What happened in a run, in order: one JSON object a line."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self


class History:
    """Appends lines of ``t`` (seconds since the start), ``actor``, ``action``, ``outcome``; thread-safe."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = path.open("w", encoding="utf-8", buffering=1)
        self._began = time.monotonic()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.note("run", "broken off", f"{type(error).__name__}: {error}")
        self._file.close()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def note(self, actor: str, action: str, outcome: str = "ok", **more: object) -> None:
        """One thing that somebody did, and how it ended."""
        line = {"t": round(self.seconds, 3), "actor": actor, "action": action, "outcome": outcome, **more}
        with self._lock:
            self._file.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")

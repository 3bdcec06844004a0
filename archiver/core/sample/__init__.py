"""Realistic sample data with invented people and employers, for the demo, tests and benchmarks."""

from __future__ import annotations

from vanvault.archiver.core.sample.transactions import (
    MAX_BODY,
    SampleEvent,
    SampleMessage,
    SampleTransaction,
    dossiers,
    generate,
)

__all__ = [
    "MAX_BODY",
    "SampleEvent",
    "SampleMessage",
    "SampleTransaction",
    "dossiers",
    "generate",
]

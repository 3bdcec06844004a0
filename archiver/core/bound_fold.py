"""Folds of events in which one begins something and others are its steps, bound to it by a digest. Pure.

Events come in whatever order and however often: the same events give the same. An id is for ever that of the
first event that begins with it; a step with another digest is a step of something else, and stands aside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from vanvault.archiver.core.errors import VanVaultError
from vanvault.archiver.core.recorded_event import RecordedEvent


class WithId(Protocol):
    """What events are about."""

    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=WithId)

#: What a reader of details raises for what this version does not know.
_UNREADABLE = (KeyError, TypeError, ValueError, VanVaultError)


@dataclass(frozen=True, slots=True)
class BoundFold(Generic[T]):
    """How one kind of thing is folded; ``begin`` and ``step`` raise ValueError for what they cannot read."""

    first: str  # the type of the event that begins one
    subject: str  # the member of a detail that is its id
    begin: Callable[[RecordedEvent], T]
    step: Callable[[T, RecordedEvent], T]
    digest: Callable[[T], str]
    unclear: Callable[[T], T]  # a step of it cannot be read

    def of(self, events: Iterable[RecordedEvent]) -> tuple[dict[str, T], tuple[str, ...]]:
        """What these events tell of, by id, and the ids of events that belong to nothing."""
        ordered = sorted({event.id: event for event in events}.values(), key=lambda one: (one.at, one.id))
        found: dict[str, T] = {}
        strange: list[str] = []
        for event in (one for one in ordered if one.type == self.first):
            try:
                new = self.begin(event)
            except _UNREADABLE:
                strange.append(event.id)
                continue
            if self.digest(found.setdefault(new.id, new)) != self.digest(new):
                strange.append(event.id)
        for event in (one for one in ordered if one.type != self.first):
            known = found.get(str(event.detail.get(self.subject)))
            if known is None or event.detail.get("digest") != self.digest(known):
                strange.append(event.id)
                continue
            try:
                found[known.id] = self.step(known, event)
            except _UNREADABLE:
                found[known.id] = self.unclear(known)
        return found, tuple(strange)


def text_of(value: object) -> str:
    """Raises ValueError: it is no text."""
    if not isinstance(value, str):
        raise ValueError("no text")
    return value


def text_in(detail: Mapping[str, Any], name: str) -> str:
    """A text of a detail. Raises KeyError, ValueError."""
    return text_of(detail[name])


def count_in(detail: Mapping[str, Any], name: str) -> int:
    """A whole number of a detail, not below zero. Raises KeyError, ValueError."""
    value = detail[name]
    if type(value) is not int or value < 0:
        raise ValueError(f"{name} is no count")
    return value


def object_in(detail: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object of a detail. Raises KeyError, ValueError."""
    value = detail[name]
    if not isinstance(value, dict):
        raise ValueError(f"{name} is no object")
    return value


def list_in(detail: Mapping[str, Any], name: str) -> list[Any]:
    """A list of a detail. Raises KeyError, ValueError."""
    value = detail[name]
    if not isinstance(value, list):
        raise ValueError(f"{name} is no list")
    return value

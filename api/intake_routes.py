"""``POST /v1/messages``, ``/v1/messages:batch`` and ``/v1/events``.

Whether intake is open is asked after the look-up of the id: who sends again what is archived gets the first
receipt, even while a site is away. Nothing on the event loop waits for a site: what may is handed to threads,
here or by ``Intake.submit``.
"""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vanvault.api import openapi
from vanvault.api.batch_body import BatchEntry, TextLine, lines_of, named_line, parse_batch
from vanvault.api.context import gateway_of, node_of, reservation_of
from vanvault.api.node import Node
from vanvault.api.problems import problem_name, problem_of
from vanvault.api.quotas import Reservation
from vanvault.api.receive_body import Body, received
from vanvault.api.together import Asked
from vanvault.api.urls import decoded_header
from vanvault.archiver.core.digests import Digests
from vanvault.archiver.core.errors import Busy, InvalidInput, TooLarge, VanVaultError
from vanvault.archiver.core.metadata import read_metadata
from vanvault.archiver.core.model import BUSINESS_FIELDS, Draft, MessageDraft
from vanvault.archiver.core.outcome import Done, Outcome
from vanvault.archiver.intake import event_draft, given_metadata, message_draft

router = APIRouter()

_T = TypeVar("_T")

#: Work on more bytes than this leaves the event loop to others.
_INLINE = 256 * 1024
#: The same for events, each of which is checked field by field.
_INLINE_EVENTS = 16 * 1024
#: Entries that are submitted at one turn of the event loop.
_SUBMITTED_AT_ONCE = 200
_HEADERS = {f"vanvault-{name.replace('_', '-')}": name for name in BUSINESS_FIELDS}
_ID_HEADER = b"vanvault-message-id"
_BATCH_FIELDS = frozenset((*BUSINESS_FIELDS, "message_id", "content_type"))
_MAX_EVENTS_BYTES = 16 * 2**20
#: JSON values of a request for each event that it may hold: parsed, each takes some 60 bytes, however short.
_VALUES = 256
_BEFORE_A_VALUE = (b"[", b"{", b",")


@router.post("/v1/messages", **openapi.PUSH)
async def push_message(request: Request) -> Response:
    """Archive one original: the raw body. Answers when it lies, locked, at both sites."""
    node = node_of(request)
    gateway = gateway_of(request, node, "push")
    reservation = reservation_of(request)
    limit = node.archive.settings.intake.max_message_bytes
    reading = received(request, node, reservation, limit=limit)
    async with reading as body:
        fields = _header_fields(request)
        content_type = request.headers.get("content-type", "")
        message_id = _message_id(request)
        arguments = (node, gateway, message_id, content_type, fields, body)
        if len(body.data) <= _INLINE:
            draft = _draft(*arguments)
        else:
            draft = await _in_thread(node.threads.compute, _draft, *arguments)
        draft = await _placed(node, reservation, draft, reading)
        outcome, repeated = (await _archive(node, reservation, [draft], "message", reading))[0]
    if isinstance(outcome, VanVaultError):
        raise outcome
    return Response(
        orjson.dumps(outcome), status_code=200 if repeated else 201, media_type="application/json"
    )


@router.post("/v1/messages:batch", **openapi.BATCH)
async def push_batch(request: Request) -> Response:
    """Archive many originals in one request. Entries stand or fall one by one."""
    node = node_of(request)
    gateway = gateway_of(request, node, "push")
    limits = node.archive.settings.intake
    reservation = reservation_of(request)
    reading = received(request, node, reservation, limit=limits.max_request_bytes, hashed=False)
    async with reading as body:
        content_type = request.headers.get("content-type", "")
        drafts = await _in_thread(node.threads.compute, _batch_drafts, node, gateway, body.data, content_type)
        placed = [await _placed_or_error(node, reservation, draft, reading) for draft in drafts]
        outcomes = await _archive(node, reservation, placed, "message", reading)
    return _items(node, outcomes, "message")


@router.post("/v1/events", **openapi.EVENTS)
async def push_events(request: Request) -> Response:
    """Archive lines of the transaction log: a JSON array, or one object a line."""
    node = node_of(request)
    gateway = gateway_of(request, node, "push")
    limits = node.archive.settings.intake
    limit = min(limits.max_request_bytes, _MAX_EVENTS_BYTES)
    reservation = reservation_of(request)
    reading = received(request, node, reservation, limit=limit, hashed=False)
    async with reading as body:
        if len(body.data) <= _INLINE_EVENTS:
            drafts = _event_drafts(node, gateway, body.data)
        else:
            drafts = await _in_thread(node.threads.compute, _event_drafts, node, gateway, body.data)
        outcomes = await _archive(node, reservation, drafts, "event", reading)
    return _items(node, outcomes, "event")


async def _in_thread(threads: Executor, work: Callable[..., _T], *arguments: Any) -> _T:
    return await asyncio.get_running_loop().run_in_executor(threads, work, *arguments)


def _message_id(request: Request) -> str:
    """The id; like every header UTF-8, plain or percent-encoded."""
    found = [value for name, value in request.headers.raw if name.lower() == _ID_HEADER]
    if len(found) > 1:
        raise InvalidInput("message_id is given twice", field="message_id")
    return decoded_header(found[0], "message_id") if found else ""


def _header_fields(request: Request) -> dict[str, object]:
    """Metadata from ``Vanvault-*`` headers: UTF-8, plain or percent-encoded."""
    fields: dict[str, object] = {}
    for raw_name, raw_value in request.headers.raw:
        lowered = raw_name.lower()
        if not lowered.startswith(b"vanvault-") or lowered == _ID_HEADER:
            continue
        header = lowered.decode("latin-1")
        name = _HEADERS.get(header)
        if name is None:
            raise InvalidInput(f"there is no field {header[:40]!r}", field=header[:40])
        if name in fields:
            raise InvalidInput(f"{name} is given twice", field=name)
        fields[name] = (
            _list(raw_value, name) if name == "insurance_numbers" else decoded_header(raw_value, name)
        )
    return fields


def _list(value: bytes, name: str) -> list[str]:
    """Split first: a comma that is percent-encoded belongs to its value."""
    decoded = (decoded_header(one.strip(), name).strip() for one in value.split(b","))
    return [one for one in decoded if one]


def _draft(
    node: Node, gateway: str, message_id: str, content_type: str, fields: Mapping[str, object], body: Body
) -> MessageDraft:
    return message_draft(
        gateway=gateway,
        message_id=message_id,
        received=node.archive.clock.now(),
        content_type=content_type,
        body=body.data,
        sha256=body.sha256,
        sha512=body.sha512,
        given=given_metadata(fields),
        reading=read_metadata(body.data),
    )


def _batch_drafts(
    node: Node, gateway: str, data: bytes, content_type: str
) -> list[MessageDraft | VanVaultError]:
    drafts: list[MessageDraft | VanVaultError] = []
    limits = node.archive.settings.intake
    for entry in parse_batch(data, content_type, max_entries=limits.max_request_entries):
        try:
            drafts.append(_entry_draft(node, gateway, entry, limits.max_message_bytes))
        except InvalidInput as error:
            drafts.append(named_line(error, entry.line))
    return drafts


def _entry_draft(node: Node, gateway: str, entry: BatchEntry, limit: int) -> MessageDraft:
    if entry.problem is not None:
        raise entry.problem
    unknown = entry.fields.keys() - _BATCH_FIELDS
    if unknown:
        name = min(map(str, unknown))[:40]
        raise InvalidInput(f"an entry has no field {name!r}", field=name)
    if len(entry.body) > limit:
        raise TooLarge("the original is too large", limit=limit, field="body")
    content_type = entry.fields.get("content_type", "")
    if not isinstance(content_type, str):
        raise InvalidInput("content_type must be a text", field="content_type")
    digests = Digests(entry.body)
    body = Body(entry.body, digests.sha256, digests.sha512)
    return _draft(node, gateway, entry.fields.get("message_id", ""), content_type, entry.fields, body)


def _event_drafts(node: Node, gateway: str, data: bytes) -> list[Draft | VanVaultError]:
    found = _event_objects(data, max_entries=node.archive.settings.intake.max_request_entries)
    now = node.archive.clock.now()
    drafts: list[Draft | VanVaultError] = []
    for number, fields in found:
        try:
            drafts.append(event_draft(gateway, fields, received=now))
        except InvalidInput as error:
            drafts.append(named_line(error, number))
    return drafts


def _event_objects(data: bytes, *, max_entries: int) -> list[tuple[int, Any]]:
    """Each with the number of its line; 0 where the body is one array."""
    if sum(map(data.count, _BEFORE_A_VALUE)) > _VALUES * max_entries:
        raise InvalidInput(
            f"a request of events holds at most {_VALUES * max_entries} values",
            field="body",
            hint="Send two.",
        )
    data = data.removeprefix(codecs.BOM_UTF8)
    if data.lstrip()[:1] == b"[":
        found = [(0, fields) for fields in _parsed(TextLine(0, data))]
    else:
        found = [(line.number, _parsed(line)) for line in lines_of(data, max_entries)]
    if not found:
        raise InvalidInput("the request holds no event", field="body")
    if len(found) > max_entries:
        raise InvalidInput(f"a request holds at most {max_entries} events", field="body")
    return found


def _parsed(line: TextLine) -> Any:
    """Number 0 is the whole body. Raises InvalidInput."""
    try:
        return orjson.loads(line.text)
    except orjson.JSONDecodeError as error:
        what = f"line {line.number} of the body" if line.number else "the body"
        raise InvalidInput(
            f"{what} is no JSON", field="body", hint="Send a JSON array of events, or one event a line."
        ) from error


async def _placed(
    node: Node, reservation: Reservation, draft: MessageDraft, reading: received
) -> MessageDraft:
    """The draft with its body in an object of its own, where it is large and not archived already."""
    if draft.size < node.archive.settings.intake.large_message_bytes:
        return draft
    node.intake.pool.arriving(-reading.hand_over())  # nobody waits for a large message
    if await _in_thread(node.threads.lookups, node.intake.knows, draft):
        return draft
    node.intake.check_open(draft.gateway)
    writer = node.intake.committer.writer
    if writer is None or draft.body is None:
        raise Busy("the node is starting", retry_after=1)
    reservation.reserve(draft.size)  # the sealed copy
    degraded = node.archive.policy.admits_degraded(draft.gateway)
    try:
        until = node.archive.retain_until("messages", node.archive.clock.now())
        copies = await _in_thread(
            node.threads.large,
            lambda: node.large.place(
                draft.body or b"",
                writer=writer.id,
                executor=writer.executor,
                retain_until=until,
                degraded=degraded,
            ),
        )
    finally:
        reservation.release(draft.size)
    return replace(draft, body=None, large=copies)


async def _placed_or_error(
    node: Node, reservation: Reservation, draft: Draft | VanVaultError, reading: received
) -> Draft | VanVaultError:
    if not isinstance(draft, MessageDraft):
        return draft
    try:
        return await _placed(node, reservation, draft, reading)
    except VanVaultError as error:
        return error  # entries stand or fall one by one


async def _archive(
    node: Node,
    reservation: Reservation,
    drafts: Sequence[Draft | VanVaultError],
    entry: str,
    reading: received,
) -> list[tuple[Outcome, bool]]:
    """Submit all drafts and wait until each has its outcome: (receipt or error, repeated).

    Raises Busy when too many entries of the gateway wait already.
    """
    reservation.queue(len(drafts))
    outcomes: list[tuple[Outcome, bool]] = [(Busy("not answered"), False)] * len(drafts)
    all_done = asyncio.get_running_loop().create_future()
    waiting = len(drafts)

    def settle(index: int, outcome: Outcome, repeated: bool) -> None:
        nonlocal waiting
        outcomes[index] = (outcome, repeated)
        waiting -= 1
        if not waiting and not all_done.done():
            all_done.set_result(None)

    def failed(error: Exception) -> None:
        if not all_done.done():
            all_done.set_exception(error)

    asked: list[tuple[Draft, Done]] = []
    for index, draft in enumerate(drafts):
        if isinstance(draft, VanVaultError):
            settle(index, draft, False)
        else:
            asked.append((draft, partial(settle, index)))
    if len(asked) == 1:
        node.together.submit(Asked(*asked[0], failed), requests=reading.hand_over())
    else:
        await _submit_many(node, asked, reading.hand_over())
    await all_done
    new = [outcome["size"] for outcome, repeated in outcomes if isinstance(outcome, dict) and not repeated]
    again = sum(repeated and isinstance(outcome, dict) for outcome, repeated in outcomes)
    if new:
        node.metrics.accepted(entry, len(new), sum(new))
    if again:
        node.metrics.repeated(entry, again)
    return outcomes


async def _submit_many(node: Node, asked: Sequence[tuple[Draft, Done]], requests: int) -> None:
    """``requests``: as ``Intake.submit_all`` takes it; all of a request belongs into one group."""
    try:
        while len(asked) > _SUBMITTED_AT_ONCE:
            node.intake.submit_all(asked[:_SUBMITTED_AT_ONCE])
            asked = asked[_SUBMITTED_AT_ONCE:]
            await asyncio.sleep(0)  # others have their turn
    except BaseException:
        node.intake.pool.arriving(-requests)
        raise
    node.intake.submit_all(asked, requests=requests)


def _items(node: Node, outcomes: Sequence[tuple[Outcome, bool]], entry: str) -> Response:
    for outcome, _ in outcomes:
        if isinstance(outcome, VanVaultError):
            node.metrics.refused(entry, problem_name(outcome))
    items = [
        {**problem_of(outcome), "index": index} if isinstance(outcome, VanVaultError) else outcome
        for index, (outcome, _) in enumerate(outcomes)
    ]
    return Response(orjson.dumps({"items": items}), media_type="application/json")

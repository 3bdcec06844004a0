"""``vanvault sample``: invented transactions, as files or pushed through the API."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from vanvault.archiver.core.error_table import ExitCode, exit_code_of
from vanvault.archiver.core.errors import InvalidInput, VanVaultError
from vanvault.archiver.core.times import parse_rfc3339
from vanvault.cli.client import ApiClient, Outgoing, ReceiptObject
from vanvault.cli.connection import connect, delivery_options
from vanvault.cli.context import DEFAULT_URL
from vanvault.cli.errors import show_error
from vanvault.cli.files import write_whole
from vanvault.cli.output import emit_json, human_size, json_option
from vanvault.cli.progress import progress

if TYPE_CHECKING:
    from vanvault.recovery.work import Step
from vanvault.cli.pushing import in_parallel

if TYPE_CHECKING:
    from vanvault.archiver.core.sample import SampleEvent, SampleMessage, SampleTransaction

_START = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
_FOLDER = Path("sample")


@click.command()
@click.option(
    "--count", default=20, show_default=True, type=click.IntRange(1, 1_000_000), help="Transactions to make."
)
@click.option(
    "--seed", default=1, show_default=True, type=click.IntRange(0, 2**63 - 1), help="Same seed, same bytes."
)
@click.option(
    "--size", type=click.IntRange(10_000, 2_000_000), help="Bytes of each dossier.  [default: mixed]"
)
@click.option(
    "--start", metavar="TIME", help="When the first transaction begins.  [default: 2026-01-05T01:00:00Z]"
)
@click.option(
    "--years",
    type=click.IntRange(1, 100),
    help="Spread them over so many years from --start.  [default: one every 40 s]",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help=f"Write files there.  [default: {_FOLDER}]",
)
@click.option("--push", metavar="URL", help=f"Push to this server instead, such as {DEFAULT_URL}.")
@delivery_options
@json_option
def command(
    count: int,
    seed: int,
    size: int | None,
    start: str | None,
    years: int | None,
    output: Path | None,
    push: str | None,
    token_file: Path | None,
    ca_file: Path | None,
    wait: float,
    jobs: int,
    as_json: bool,
) -> ExitCode:
    """Make sample transactions with invented people and employers, as files or pushed through the API.

    DIR gets one file for each message, messages.ndjson (their ids and metadata) and events.ndjson, whose
    lines are events as POST /v1/events takes them. The same options give the same bytes and ids, so a
    second push archives nothing new.
    """
    if output is not None and push is not None:
        raise InvalidInput("--output and --push exclude each other", field="push")
    from vanvault.archiver.core.sample import generate

    begins = parse_rfc3339(start, field="start") if start else _START
    span = None if years is None else timedelta(days=365.25 * years)
    transactions = generate(count, seed, start=begins, size=size, span=span)
    with progress("sample transactions", total=count, quiet=as_json) as step:
        if push is None:
            tally = _write(output or _FOLDER, transactions, step)
        else:
            with connect(push, token_file, ca_file, wait, jobs) as client:
                tally = _push(client, transactions, step, jobs)
    target = push or str(output or _FOLDER)
    if as_json:
        emit_json({**tally.as_json(), "target": target})
    else:
        click.echo(
            f"{tally.messages} messages ({human_size(tally.bytes)}) and {tally.events} events of"
            f" {tally.transactions} transactions: {target}"
        )
    return tally.code


@dataclass(slots=True)
class _Tally:
    """What was written or acknowledged, and the transactions of which something was not."""

    transactions: int = 0
    messages: int = 0
    events: int = 0
    bytes: int = 0
    failed: set[str] = field(default_factory=set)
    code: ExitCode = ExitCode.OK

    def count(self, transaction: SampleTransaction) -> None:
        self.transactions += 1
        self.messages += len(transaction.messages)
        self.events += len(transaction.events)
        self.bytes += sum(len(message.body) for message in transaction.messages)

    def as_json(self) -> dict[str, object]:
        """For ``--json``; ``failed`` counts transactions."""
        counted = {name: getattr(self, name) for name in ("transactions", "messages", "events", "bytes")}
        return {**counted, "failed": len(self.failed)}


def event_fields(event: SampleEvent) -> dict[str, Any]:
    """A sample event as ``POST /v1/events`` takes it; unknown values are left out. Pure."""
    fields: dict[str, Any] = {
        name: value
        for name, value in asdict(event).items()
        if value and name not in ("occurred_at", "detail")
    }
    detail = dict(event.detail)
    if "message_id" in detail:
        fields["message_id"] = detail.pop("message_id")
    if detail:
        fields["detail"] = detail
    return {**fields, "occurred_at": event.occurred_at.isoformat()}


def _known(message: SampleMessage) -> dict[str, Any]:
    """The metadata that a gateway would send along."""
    return {name: value for name, value in asdict(message.metadata).items() if value}


def _write(folder: Path, transactions: Iterator[SampleTransaction], step: Step) -> _Tally:
    tally = _Tally()
    messages: list[bytes] = []
    events: list[bytes] = []
    for transaction in transactions:
        for message in transaction.messages:
            name = f"{message.message_id}.xml"
            write_whole(folder / name, message.body)
            line = {"file": name, "message_id": message.message_id, "content_type": message.content_type}
            messages.append(orjson.dumps({**line, **_known(message)}))
        events += [orjson.dumps(event_fields(event)) for event in transaction.events]
        tally.count(transaction)
        step()
    write_whole(folder / "messages.ndjson", b"\n".join([*messages, b""]))
    write_whole(folder / "events.ndjson", b"\n".join([*events, b""]))
    return tally


def _push(client: ApiClient, transactions: Iterator[SampleTransaction], step: Step, jobs: int) -> _Tally:
    """Push transaction by transaction: within one, messages before the events that name them."""

    def push(transaction: SampleTransaction) -> list[ReceiptObject | VanVaultError]:
        for message in transaction.messages:
            client.push(Outgoing(message.message_id, message.body, message.content_type, _known(message)))
        return client.push_events(map(event_fields, transaction.events))

    tally = _Tally()
    for transaction, result in in_parallel(client, push, transactions, jobs=jobs):
        failures = [result] if isinstance(result, VanVaultError) else result
        for failure in failures:
            if isinstance(failure, VanVaultError):
                tally.code = tally.code or exit_code_of(failure)
                tally.failed.add(transaction.transaction_id)
                show_error(f"{transaction.transaction_id}: {failure.message}", failure.hint)
        if transaction.transaction_id not in tally.failed:
            tally.count(transaction)
        step()
    return tally

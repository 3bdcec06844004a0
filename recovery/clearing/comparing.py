"""One batch as a site gives it, against what the segment at that site says of it. Pure."""

from __future__ import annotations

import pyarrow as pa

from vanvault.archiver.core.format.batches import BatchTable, columns_in, digest_bodies
from vanvault.recovery.verify import RemadeBatch

#: What is compared, in words of the record.
COMPARED = ("rows", "header", "proof", "commit", "originals")


def difference(found: BatchTable, held: RemadeBatch) -> str:
    """Why the segment cannot stand for the batch, for people; empty: it holds all of it, to the byte.

    The segment was checked as a verification does: its batches are proved by their writers, and the commit
    record of each signs the receipts of these very rows.
    """
    evidence = held.evidence
    if found.header_text != evidence.header_text:
        return "its header is not the one that the segment keeps"
    if found.proof != evidence.proof:
        return "its proof is not the one that the segment keeps"
    if evidence.commit is None:
        return "the segment keeps no commit record of it"
    table = found.table
    bodies = table.column("body") if "body" in table.column_names else None
    rest = table.drop_columns("body") if bodies is not None else table
    if columns_in(rest) != dict(held.columns):
        return "its rows are not those that the segment holds"
    own = _hashes(bodies, table.num_rows)
    if own != held.bodies:
        return "its originals are not those that the segment holds"
    return ""


def _hashes(bodies: pa.ChunkedArray | None, rows: int) -> list[object]:
    return [None] * rows if bodies is None else list(digest_bodies([bodies]).all())

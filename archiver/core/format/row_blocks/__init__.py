"""The rows of a log once more, in blocks that a search decodes (archiver/FORMAT.md, section 12.6)."""

from __future__ import annotations

from vanvault.archiver.core.format.row_blocks.blocks import (
    RowArea,
    RowBlock,
    RowHead,
    RowKey,
    check_area,
    encode_area,
    open_area,
)
from vanvault.archiver.core.format.row_blocks.columns import Coded, Constant

__all__ = [
    "Coded",
    "Constant",
    "RowArea",
    "RowBlock",
    "RowHead",
    "RowKey",
    "check_area",
    "encode_area",
    "open_area",
]

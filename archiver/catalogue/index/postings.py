"""Blocks of postings: (token, reference) pairs in ascending order. Pure. FORMAT.md, section 4.

In the section of keys a reference is a running row number times two, plus one where the token is the id
that the gateway chose for this very entry (a *claim*). In the section of facets it is a running number of
a row group.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vanvault.archiver.catalogue.index.columns import decode_columns, encode_columns
from vanvault.archiver.catalogue.index.segments import UInt64s
from vanvault.archiver.core.errors import Damaged

BLOCK_RECORDS = 4096

_COLUMNS = 4


@dataclass(frozen=True, slots=True)
class Postings:
    """A decoded block: each distinct token once, with its stretch of references."""

    tokens: UInt64s  # distinct, ascending
    starts: UInt64s  # where each token's references begin
    refs: UInt64s  # ascending within a token

    @property
    def nbytes(self) -> int:
        return self.tokens.nbytes + self.starts.nbytes + self.refs.nbytes

    def of(self, token: int) -> UInt64s:
        """The references of a token; empty when the block has none."""
        at = int(np.searchsorted(self.tokens, np.uint64(token)))
        if at == len(self.tokens) or int(self.tokens[at]) != token:
            return self.refs[:0]
        end = int(self.starts[at + 1]) if at + 1 < len(self.starts) else len(self.refs)
        return self.refs[int(self.starts[at]) : end]

    def flat(self) -> UInt64s:
        """The token of every reference."""
        counts = np.diff(self.starts, append=np.uint64(len(self.refs)))
        return np.repeat(self.tokens, counts.astype(np.int64))


def encode_postings(tokens: UInt64s, refs: UInt64s) -> bytes:
    """A block of at least one pair, sorted by token and reference."""
    fresh = np.empty(len(tokens), bool)
    fresh[0] = True
    np.not_equal(tokens[1:], tokens[:-1], out=fresh[1:])
    starts = np.flatnonzero(fresh)
    distinct = tokens[starts]
    counts = np.diff(starts, append=len(tokens)).astype(np.uint64)
    steps = np.diff(refs, prepend=np.uint64(0))[~fresh]
    gaps = np.diff(distinct, prepend=np.uint64(0))
    return encode_columns([gaps, counts - np.uint64(1), refs[starts], steps])


def decode_postings(data: bytes, name: str) -> Postings:
    """The block. Raises Damaged."""
    gaps, more, firsts, steps = decode_columns(data, _COLUMNS, name)
    tokens = np.cumsum(gaps, dtype=np.uint64)
    if not len(steps):
        if not len(gaps) == len(more) == len(firsts):
            raise Damaged(f"{name}: a block contradicts itself", key=name)
        return Postings(tokens, np.arange(len(tokens), dtype=np.uint64), firsts)
    counts = (more + np.uint64(1)).astype(np.int64)
    ends = np.cumsum(counts)
    if not len(gaps) == len(more) == len(firsts) or len(steps) + len(firsts) != int(ends[-1]):
        raise Damaged(f"{name}: a block contradicts itself", key=name)
    starts = ends - counts
    moves = np.zeros(int(ends[-1]), np.uint64)
    later = np.ones(len(moves), bool)
    later[starts] = False
    moves[later] = steps
    # One running sum over the block, less what it was before each token.
    sums = np.cumsum(moves, dtype=np.uint64)
    refs = sums + np.repeat(firsts - sums[starts], counts)
    return Postings(tokens, starts.astype(np.uint64), refs)


def sort_postings(tokens: UInt64s, refs: UInt64s) -> tuple[UInt64s, UInt64s]:
    """Pairs in order, each once. Fast where the input is a few sorted runs in the order of references."""
    order = np.argsort(tokens, kind="stable")
    tokens, refs = tokens[order], refs[order]
    same = tokens[1:] == tokens[:-1]
    if bool(np.any(same & (refs[1:] <= refs[:-1]))):
        order = np.lexsort((refs, tokens))
        tokens, refs = tokens[order], refs[order]
        fresh = np.ones(len(tokens), bool)
        fresh[1:] = (tokens[1:] != tokens[:-1]) | (refs[1:] != refs[:-1])
        tokens, refs = tokens[fresh], refs[fresh]
    return tokens, refs

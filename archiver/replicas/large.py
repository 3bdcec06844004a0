"""Messages too big for a batch: sealed into an object of their own, placed before their row.

An object without a row is harmless: nothing was acknowledged for it, and a retry makes another.
"""

from __future__ import annotations

import hashlib
import itertools
import threading
from collections.abc import Mapping
from concurrent.futures import Executor
from datetime import datetime
from functools import partial

from vanvault.archiver.core.errors import SiteFull, SiteUnavailable
from vanvault.archiver.core.format.encrypted import ObjectKeys
from vanvault.archiver.core.format.framed import NONCE_PREFIX_BYTES, open_framed, seal
from vanvault.archiver.core.key_port import KeyProvider, new_data_key
from vanvault.archiver.core.model import Placement
from vanvault.archiver.core.ports import Entropy
from vanvault.archiver.keys import ObjectSigner
from vanvault.archiver.replicas.placing import Placing
from vanvault.archiver.replicas.policy import AckPolicy
from vanvault.archiver.replicas.promised import read_anywhere
from vanvault.archiver.stores import Site


class LargeObjects:
    """Seals and places large objects; safe to call from many threads."""

    def __init__(
        self,
        sites: Mapping[str, Site],
        provider: KeyProvider,
        entropy: Entropy,
        names: ObjectSigner,
        *,
        policy: AckPolicy | None = None,
    ) -> None:
        """``policy``: its health is told how puts go; says which sites a degraded placing leaves out."""
        self._sites = sites
        self._provider = provider
        self._entropy = entropy
        self._names = names
        self._policy = policy
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    def place(
        self,
        body: bytes,
        *,
        writer: str,
        executor: Executor,
        retain_until: datetime,
        degraded: bool = False,
    ) -> tuple[Placement, ...]:
        """Put the framed object of ``body`` at all sites; its copies in the order of the sites.

        ``degraded``: one site is enough, and one that is out is not asked.

        Raises SiteUnavailable, KeyUnavailable; then nothing refers to what may have been stored.
        """
        with self._lock:
            subject = self._names.subject("large", writer, next(self._numbers), "framed")
        data_key, wrapped = new_data_key(self._provider, subject, self._entropy)
        data = seal(
            body,
            data_key=data_key,
            wrapped=wrapped,
            nonce_prefix=self._entropy.token(NONCE_PREFIX_BYTES),
            compression="zstd",
        )
        digest = hashlib.sha256(data).digest()
        key = self._names.sign_name(subject, digest)
        placing = Placing(key, data, digest, retain_until)
        sites = self._sites
        if self._policy is not None:
            placing.on_put, placing.may_skip = self._policy.health.put_ended, self._policy.may_skip
            sites = self._policy.health.usable(sites) if degraded else sites
        if not placing.put(sites, executor) and not (degraded and placing.placements):
            site, failure = next(iter(placing.failures.items()))
            kind = SiteFull if isinstance(failure, SiteFull) else SiteUnavailable
            raise kind(
                f"not acknowledged: {failure.message}",
                site=site,
                may_be_stored=False,  # bytes without a row are no message
                hint="Send the same message again. " + failure.hint,
            ) from failure
        return tuple(placing.placements[name] for name in self._sites if name in placing.placements)


def read_large(sites: Mapping[str, Site], keys: ObjectKeys, key: str) -> bytes:
    """The original in a large object. Raises NotFound, Damaged, SiteUnavailable, KeyUnavailable."""
    return open_framed(read_anywhere(sites, key), partial(keys.data_key, key))

"""What intake answers to whoever handed it an entry."""

from __future__ import annotations

from collections.abc import Callable

from vanvault.archiver.core.errors import VanVaultError
from vanvault.archiver.core.evidence import Receipt

#: What a caller is told: a receipt, or why there is none.
Outcome = Receipt | VanVaultError
#: Told once: the outcome, and whether it repeats an earlier acceptance.
Done = Callable[[Outcome, bool], None]

"""Reads business metadata out of messages; never changes, keeps or trusts them.

``read_metadata`` (reader.py) is the one entry. ``scan.py`` walks XML within fixed limits, ``values.py``
cleans texts and reads outcomes, ``numbers.py`` finds insurance numbers inside base64 forms.
"""

from __future__ import annotations

from vanvault.archiver.core.metadata.reader import read_metadata

__all__ = [
    "read_metadata",
]

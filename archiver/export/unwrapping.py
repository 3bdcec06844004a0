"""The data key of one object in the clear, for programs that read Parquet by themselves."""

from __future__ import annotations

from dataclasses import dataclass, field

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import AccessDenied, InvalidInput
from vanvault.archiver.core.format.encrypted import MAGIC, key_material
from vanvault.archiver.core.names import parse_key
from vanvault.archiver.replicas import read_anywhere


@dataclass(frozen=True, slots=True)
class DataKey:
    """What opens one object, and nothing else."""

    object: str
    master: str  # the master key under which it was wrapped
    key: bytes = field(repr=False)  # 32
    wrapped: bytes = b""  # the same under the master, as the object's key material has it


def unwrap_object(archive: Archive, object: str) -> DataKey:
    """The data key of a batch or of a part of a segment.

    Raises InvalidInput (not the name of a Parquet object), AccessDenied (a key of the purpose credentials),
    NotFound, Damaged, SiteUnavailable, KeyUnavailable.
    """
    if object.partition("/")[0] == "credentials":
        raise AccessDenied(
            "No key that seals credentials is ever shown: whoever had it could sign on as anybody.",
            authenticated=True,
            hint="The log says when a credential was set, and by whom: vanvault search --type"
            " vanvault.account.credential-set. Whoever lost theirs gets a new one.",
        )
    if parse_key(object) is None or not object.endswith(".parquet"):
        raise InvalidInput(
            "this is not the name of a batch or of a part of a segment",
            field="object",
            hint="A search says in which object an entry lies: batch/... or segment/..., ending in .parquet.",
        )
    data = read_anywhere(archive.readable, object)
    if data[-4:] != MAGIC:
        raise InvalidInput("this object is not encrypted Parquet", field="object")
    material = key_material(data)
    return DataKey(object, material.key_id, archive.parquet.data_key(object, material), material.wrapped)

"""Large objects and the rows that refer to them: whose they may be, and when one counts as nobody's."""

from __future__ import annotations

import hashlib

import pytest

from tests.support.lab import Lab, named
from tests.support.names import batch_key, large_key
from vanvault.archiver.core.format.batches import columns_of
from vanvault.archiver.core.model import BatchHeader, Message, Metadata
from vanvault.archiver.core.names import archive_id, parse_key
from vanvault.recovery.verified import Subset
from vanvault.recovery.verify.contents import BatchContent, batch_content

WRITER, OTHER = "0123456789abcdef", "0123456789abcdeg"
BODY = b"<large/>"
DIGEST = hashlib.sha256(BODY).digest()


def checked(large: str, body: bytes | None = None) -> BatchContent:
    """A batch of one message that refers to this object."""
    row = Message(
        archive_id(WRITER, 0, 0),
        "gateway-1",
        "m-1",
        10,
        "text/xml",
        len(BODY),
        DIGEST,
        hashlib.sha512(BODY).digest(),
        Metadata(),
        "",
        large,
        body,
    )
    key = batch_key(WRITER, 0, "messages", DIGEST)
    header = BatchHeader("archive-1", WRITER, 0, "messages", 10, "2037-11-23T00:00:00Z", 1, "")
    name = parse_key(key)
    assert name is not None
    whole = (len(body or b""), hashlib.sha256(body or b"").digest(), hashlib.sha512(body or b"").digest())
    found = None if body is None else whole
    columns = columns_of("messages", [row])
    return batch_content(name, header, columns, [found], "messages/1", archive="archive-1")


def test_a_large_object_is_its_rows_own_writers() -> None:
    assert checked(large_key(WRITER, 0, DIGEST)).flaws == ()
    wrong = (
        large_key(OTHER, 0, DIGEST),  # another writer's
        batch_key(WRITER, 0, "messages", DIGEST),  # no large object
        "nonsense",
    )
    for key in wrong:
        assert [problem for problem, _ in checked(key).flaws] == ["digest"]
    assert [problem for problem, _ in checked(large_key(WRITER, 0, DIGEST), BODY).flaws] == ["digest"]


def test_a_row_with_its_body_in_it_is_compared_with_its_digests() -> None:
    assert checked("", BODY).flaws == ()
    assert [problem for problem, _ in checked("", BODY + b" ").flaws] == ["digest"]


def orphans(lab: Lab, subset: Subset | None = None) -> list[str]:
    report = lab.verify(subset=subset)
    return [key for problem, _, key in named(report) | named(report, failing=False) if problem == "orphan"]


@pytest.mark.parametrize("harm", ["flipped", "lost"])
def test_a_large_object_whose_row_nobody_can_read_is_no_orphan(lab: Lab, harm: str) -> None:
    """Whoever removed it would lose an original: its row is damaged, and another copy may come back."""
    (row,) = [key for key in lab.chain(0) if ".messages." in key][-1:]
    for site in ("primary", "standby"):
        if harm == "flipped":
            lab.flip(site, row)
        else:
            lab.truncate(site, row)
    assert orphans(lab) == []


def test_an_orphan_is_told_when_every_row_was_read(lab: Lab) -> None:
    data = lab.data("primary", lab.keys(family="large")[0])
    with lab.open() as archive:
        name = parse_key(lab.keys(family="large")[0])
        assert name is not None
        subject = archive.object_signer.subject("large", name.writer, 99, "framed")
        key = archive.object_signer.sign_name(subject, name.sha256)
    for site in ("primary", "standby"):
        lab.add(site, key, data)
    assert set(orphans(lab)) == {key}

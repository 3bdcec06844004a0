"""Any bytes are read without an exception; what lxml can parse is read as lxml would."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from vanvault.archiver.core.metadata import read_metadata
from vanvault.archiver.core.metadata.scan import BeyondLimits, NotWellFormed, Tree, leaves
from vanvault.archiver.core.metadata.values import clean
from vanvault.archiver.core.model import Metadata
from vanvault.archiver.core.sample import SampleMessage, generate


@cache
def samples() -> tuple[SampleMessage, ...]:
    start = datetime(2026, 1, 5, tzinfo=UTC)
    messages = [one for each in generate(40, 3, start=start, size=9_000) for one in each.messages]
    claims = [one for each in generate(40, 4, start=start) for one in each.messages if len(one.body) < 20_000]
    return tuple(messages[:30] + claims[:30])


def test_generated_messages_are_read_right() -> None:
    kinds = set()
    for message in samples():
        reading = read_metadata(message.body)
        assert (reading.metadata, reading.note) == (message.truth, "")
        kinds.add(reading.metadata.kind)
    assert kinds == {"dossier", "receipt", "result", "health-claim"}


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=400),
    st.sampled_from([b"", b"<", b"<Hoso>", b"<BHXH ", b"<GIAMDINHHS>", b"\xff\xfe<\0", b"<!--"]),
)
def test_any_bytes_are_read_without_an_error(tail: bytes, head: bytes) -> None:
    read_metadata(head + tail)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_messages_are_read_without_an_error(data: st.DataObject) -> None:
    body = bytearray(data.draw(st.sampled_from(samples())).body)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(body)))
        length = data.draw(st.integers(0, 40))
        body[at : at + length] = data.draw(
            st.sampled_from([b"", b"<", b">", b"</a>", b"<!--", b"]]>", b"\0", b"&", b"'"])
        )
    reading = read_metadata(bytes(body))
    assert reading.recognised or reading.metadata == Metadata()


TREE: Tree = {b"a": {b"b": "a/b", b"c": {b"b": "a/c/b"}}, b"b": "b"}
WORDS = ("a", "b", "c", "x:b", "d_1", "é")
TEXTS = ("", "t", " 7 ", "&amp;", "&#65;", "<![CDATA[<b>&]]>", "<!-- <b> -->", "<?p ?>", "\n")
ATTRIBUTES = ("", " k='>'", ' k="/>" j=\'"\'', "\n")


def markup(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def element(name: str, attributes: str, content: list[str], blank: str) -> str:
        return f"<{name}{attributes}>{''.join(content)}</{name}{blank}>"

    return st.builds(
        element,
        st.sampled_from(WORDS),
        st.sampled_from(ATTRIBUTES),
        st.lists(children, max_size=4),
        st.sampled_from(("", " ")),
    ) | st.sampled_from(("<b/>", "<c k='1' />"))


DOCUMENTS = st.lists(st.recursive(st.sampled_from(TEXTS), markup, max_leaves=12), max_size=5).map(
    lambda parts: f"<r xmlns:x='urn:x'>{''.join(parts)}</r>"
)


def by_lxml(node: etree._Element, tree: Tree) -> Iterator[tuple[str, str]]:
    for child in node:
        below = tree.get(etree.QName(child).localname.encode(), {})
        if isinstance(below, str):
            if len(child) == 0:
                yield below, " ".join((child.text or "").split())
        else:
            yield from by_lxml(child, below)


@settings(max_examples=300, deadline=None)
@given(DOCUMENTS, st.lists(st.tuples(st.integers(0, 300), st.sampled_from("<>/'a &")), max_size=1))
def test_reads_as_lxml_does(document: str, damage: list[tuple[int, str]]) -> None:
    for at, character in damage:
        document = document[:at] + character + document[at + 1 :]
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(document.encode(), parser)
    except etree.XMLSyntaxError:
        return
    try:
        read = [(word, clean(text)) for word, text in leaves(document.encode(), TREE, until=b"")]
    except (NotWellFormed, BeyondLimits) as error:
        raise AssertionError("well-formed XML was refused") from error
    assert [pair for pair in read if pair[1]] == [pair for pair in by_lxml(root, TREE) if pair[1]]

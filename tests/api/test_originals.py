"""What was pushed comes back byte for byte, whatever it is, and whoever pushes it at the same time."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.api.conftest import Appliance
from tests.support.server import push
from vanvault.api.batch_body import FRAMED, encode_framed

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))

#: Messages that attack a parser, and bytes that are no XML at all.
HOSTILE: list[tuple[str, bytes]] = [
    ("entity expansion", f'<!DOCTYPE a [<!ENTITY l0 "x">{LAUGHS}]><Hoso>&l9;</Hoso>'.encode()),
    ("external entity", b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><Hoso>&e;</Hoso>'),
    ("external document type", b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><Hoso/>'),
    ("depth", b"<Hoso>" * 20_000 + b"</Hoso>" * 20_000),
    ("a huge attribute", b'<Hoso a="' + b"x" * 200_000 + b'"/>'),
    ("not closed", b"<Hoso><NoiDung>"),
    ("null bytes", bytes(1000)),
    ("UTF-16", "<?xml version='1.0' encoding='UTF-16'?><Hoso/>".encode("utf-16")),
    ("another encoding", b"<?xml version='1.0' encoding='windows-1258'?><Hoso>\xf2</Hoso>"),
    ("a byte order mark", b"\xef\xbb\xbf<Hoso/>\r\n"),
    ("line ends", b"<Hoso>\r\n\t </Hoso>\n\r"),
    ("all bytes", bytes(range(256))),
    ("one byte", b"\0"),
    ("PDF", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"),
    ("our own magic", b"VVFRAME1PAREPARE"),
]


@pytest.mark.parametrize(("name", "body"), HOSTILE, ids=[name for name, _ in HOSTILE])
def test_hostile_messages_are_kept_as_they_are(client: httpx.Client, name: str, body: bytes) -> None:
    answer = push(client, f"hostile: {name}", body)
    assert answer.status_code == 201
    fetched = client.get(f"/v1/messages/{answer.json()['id']}/original")
    assert fetched.content == body
    assert fetched.headers["vanvault-sha256"] == answer.json()["sha256"]
    assert fetched.headers["x-content-type-options"] == "nosniff"
    assert fetched.headers["content-disposition"].startswith("attachment")


CONTENT_TYPES = [
    "",
    "text/html",
    "application/xml; charset=utf-8",
    "văn bản",
    "a\r\nSet-Cookie: b",
    "x" * 5000,
]


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
def test_no_content_type_keeps_an_original_from_its_reader(client: httpx.Client, content_type: str) -> None:
    fields = {"message_id": f"type {content_type[:20]!r}", "content_type": content_type}
    body = encode_framed([(fields, b"<a/>")])
    answer = client.post("/v1/messages:batch", content=body, headers={"Content-Type": FRAMED})
    (receipt,) = answer.json()["items"]
    fetched = client.get(f"/v1/messages/{receipt['id']}/original")
    assert (fetched.status_code, fetched.content) == (200, b"<a/>")
    assert "set-cookie" not in fetched.headers


def test_clients_that_push_one_id_at_once(appliance: Appliance, client: httpx.Client) -> None:
    """Same bytes: one message, one receipt. Other bytes among them: either all of one or conflicts."""

    def one_client(number: int) -> list[tuple[int, str]]:
        answers = []
        with appliance.server.client(appliance.token) as own:
            for n in range(10):
                answers.append(push(own, f"raced {n}", b"<same/>"))
                answers.append(push(own, f"raced otherwise {n}", b"<%d/>" % (number % 2)))
        return [(answer.status_code, json.dumps(answer.json(), sort_keys=True)) for answer in answers]

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(one_client, range(8)))
    for n in range(10):
        same = [result[2 * n] for result in results]
        assert sorted(status for status, _ in same) == [200] * 7 + [201]
        assert len({receipt for _, receipt in same}) == 1
        differing = [result[2 * n + 1] for result in results]
        assert sorted(status for status, _ in differing) == [200] * 3 + [201] + [409] * 4
        for message_id in (f"raced {n}", f"raced otherwise {n}"):
            assert len(client.get("/v1/search", params={"message_id": message_id}).json()["items"]) == 1

"""Where a caller is: the peer, or what declared proxies say, and nobody else."""

from __future__ import annotations

import pytest
from starlette.requests import HTTPConnection

from vanvault.api.caller_address import caller_address
from vanvault.archiver.people import parse_network

PROXIES = ("10.0.0.5", "10.1.0.0/24", "2001:db8::/32")


def connection(peer: str | None, *forwarded: str) -> HTTPConnection:
    return HTTPConnection(
        {
            "type": "http",
            "client": (peer, 50000) if peer else None,
            "headers": [(b"x-forwarded-for", value.encode()) for value in forwarded],
        }
    )


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "expected"),
    [
        # Without a declared proxy the header says nothing.
        ("192.0.2.1", (), (), "192.0.2.1"),
        ("192.0.2.1", ("203.0.113.9",), (), "192.0.2.1"),
        ("192.0.2.1", ("203.0.113.9",), PROXIES, "192.0.2.1"),
        ("::ffff:192.0.2.1", (), (), "192.0.2.1"),
        # A declared proxy: the last address that is none.
        ("10.0.0.5", ("203.0.113.9",), PROXIES, "203.0.113.9"),
        ("10.0.0.5", ("203.0.113.9:4711",), PROXIES, "203.0.113.9"),
        ("10.0.0.5", ("[2001:db9::1]:4711",), PROXIES, "2001:db9::1"),
        ("::ffff:10.0.0.5", ("203.0.113.9",), PROXIES, "203.0.113.9"),
        ("10.0.0.5", ("198.51.100.1, 203.0.113.9",), PROXIES, "203.0.113.9"),
        ("10.0.0.5", ("198.51.100.1", "203.0.113.9"), PROXIES, "203.0.113.9"),
        ("10.0.0.5", ("203.0.113.9, 10.1.0.7",), PROXIES, "203.0.113.9"),
        ("2001:db8::1", ("203.0.113.9",), PROXIES, "203.0.113.9"),
        # A proxy that says nothing, or nothing that can be read: nobody knows.
        ("10.0.0.5", (), PROXIES, None),
        ("10.0.0.5", ("",), PROXIES, None),
        ("10.0.0.5", ("10.1.0.7",), PROXIES, None),
        ("10.0.0.5", ("203.0.113.9, unknown",), PROXIES, None),
        (None, ("203.0.113.9",), PROXIES, None),
        ("testclient", (), PROXIES, None),
    ],
)
def test_the_address_of_a_caller(
    peer: str | None, forwarded: tuple[str, ...], proxies: tuple[str, ...], expected: str | None
) -> None:
    found = caller_address(connection(peer, *forwarded), tuple(map(parse_network, proxies)))
    assert (str(found) if found else None) == expected

"""A real mail server in this process, which keeps what it takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.support.server import free_port
from tests.support.waiting import PATIENCE_S

USER, PASSWORD = "vanvault", "correct horse battery"


class Letters:
    """What came, and whom the server does not know."""

    def __init__(self) -> None:
        self.port = 0
        self.taken: list[tuple[tuple[str, ...], EmailMessage]] = []
        self.unknown: set[str] = set()

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.unknown:
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        message: Any = message_from_bytes(envelope.content, policy=policy.default)
        self.taken.append((tuple(envelope.rcpt_tos), message))
        return "250 OK"


@contextmanager
def mail_server(*, with_login: bool = False) -> Iterator[Letters]:
    """A server at 127.0.0.1; ``with_login``: it takes nothing from whoever does not know the password."""
    letters = Letters()

    def knows(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (
            USER.encode(),
            PASSWORD.encode(),
        )
        return AuthResult(success=right, handled=right)

    controller = Controller(
        letters,
        hostname="127.0.0.1",
        port=free_port(),
        authenticator=knows if with_login else None,
        auth_required=with_login,
        auth_require_tls=False,
        ready_timeout=PATIENCE_S,
    )
    controller.start()
    try:
        letters.port = controller.port
        yield letters
    finally:
        controller.stop()

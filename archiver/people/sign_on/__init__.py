"""Sessions of people: how they begin, how long they are good, and how guessing is slowed down."""

from __future__ import annotations

from vanvault.archiver.people.sign_on.break_glass import (
    REVIEW_WITHIN,
    break_glass_digest,
    break_glass_id,
    new_break_glass_secret,
)
from vanvault.archiver.people.sign_on.demo_link import (
    DEMO_LINK_GOOD_FOR,
    demo_link_digest,
    demo_link_id,
    new_demo_secret,
)
from vanvault.archiver.people.sign_on.granted import granted_roles
from vanvault.archiver.people.sign_on.local_sign_on import (
    LocalAttempt,
    LocalJudge,
    LocalVerdict,
    SignOnOutcome,
    sign_on_refused,
)
from vanvault.archiver.people.sign_on.secret import (
    SESSION_PREFIX,
    new_session_secret,
    session_digest,
    session_id,
)
from vanvault.archiver.people.sign_on.session_book import SessionBook
from vanvault.archiver.people.sign_on.session_record import (
    SessionEnd,
    session_detail,
    session_of,
    session_proof,
)
from vanvault.archiver.people.sign_on.sessions import (
    ProviderLink,
    Session,
    SessionMethod,
    SessionRules,
    SessionStanding,
    SessionUse,
    standing_of_session,
)
from vanvault.archiver.people.sign_on.throttle import Throttle, ThrottleRules, network_of

__all__ = [
    "DEMO_LINK_GOOD_FOR",
    "REVIEW_WITHIN",
    "SESSION_PREFIX",
    "LocalAttempt",
    "LocalJudge",
    "LocalVerdict",
    "ProviderLink",
    "Session",
    "SessionBook",
    "SessionEnd",
    "SessionMethod",
    "SessionRules",
    "SessionStanding",
    "SessionUse",
    "SignOnOutcome",
    "Throttle",
    "ThrottleRules",
    "break_glass_digest",
    "break_glass_id",
    "demo_link_digest",
    "demo_link_id",
    "granted_roles",
    "network_of",
    "new_break_glass_secret",
    "new_demo_secret",
    "new_session_secret",
    "session_detail",
    "session_digest",
    "session_id",
    "session_of",
    "session_proof",
    "sign_on_refused",
    "standing_of_session",
]

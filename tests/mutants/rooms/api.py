"""Bugs in ``api``."""

from __future__ import annotations

from tests.mutants.model import Mutant

_BODY = "api/receive_body.py"
_BODIES = ("tests/api/test_receive_body.py",)

MUTANTS = (
    Mutant(
        "body-stalled-keeps-its-bytes",
        _BODY,
        "received.__aenter__",
        """            self._release()
            self._node.metrics""",
        """            self._node.metrics""",
        _BODIES,
    ),
    Mutant(
        "body-cut-off-keeps-its-bytes",
        _BODY,
        "received.__aenter__",
        """        except BaseException:
            self._release()
""",
        """        except BaseException:
""",
        _BODIES,
    ),
    Mutant("body-whole-keeps-its-bytes", _BODY, "received.__aexit__", "self._release()", "pass", _BODIES),
    Mutant(
        "body-over-the-limit",
        _BODY,
        "received._read",
        "if size > self._limit",
        "if size > self._limit + 1_000",
        _BODIES,
    ),
    Mutant("body-length-over-the-limit", _BODY, "_declared", "if int(text) > limit", "if False", _BODIES),
    Mutant(
        "body-cut-off-counts-as-whole",
        _BODY,
        "received._read",
        'raise InvalidInput("the connection ended before the body did", field="body")',
        "break",
        _BODIES,
    ),
    Mutant(
        "address-by-anybodys-header",
        "api/caller_address.py",
        "caller_address",
        "if peer is None or not _among(peer, proxies)",
        "if peer is None",
        ("tests/api/test_caller_address.py",),
    ),
    Mutant(
        "address-first-in-the-header",
        "api/caller_address.py",
        "caller_address",
        "in reversed(steps)",
        "in steps",
        ("tests/api/test_caller_address.py",),
    ),
    Mutant(
        "address-mapped-stays",
        "api/caller_address.py",
        "_address",
        "return mapped or found",
        "return found",
        ("tests/api/test_caller_address.py",),
    ),
    Mutant(
        "quota-own-part-refused",
        "api/quotas.py",
        "Quotas._check",
        "if after <= own:",
        "if False:",
        ("tests/api/test_quotas.py",),
    ),
    Mutant(
        "quota-without-an-end",
        "api/quotas.py",
        "Quotas._check",
        "if after > most",
        "if False",
        ("tests/api/test_quotas.py",),
    ),
    Mutant(
        "quota-end-keeps-bytes",
        "api/quotas.py",
        "Quotas._end",
        "self._used -= size",
        "pass",
        ("tests/api/test_quotas.py",),
    ),
    Mutant(
        "quota-requests-uncounted",
        "api/quotas.py",
        "Quotas.begin",
        "usage.requests += 1",
        "pass",
        ("tests/api/test_quotas.py",),
    ),
)

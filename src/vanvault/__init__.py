"""VanVault: a write-once archive and disaster-recovery appliance for I-VAN operators.

The rooms (archiver, recovery, api, cli) are folders at the top of the repository; they are
mapped into this one package, so that generic names such as ``api`` and ``cli`` never collide
with another installed distribution (docs/decisions/0001-one-package.md).
"""

from __future__ import annotations


def __getattr__(name: str) -> str:
    """``__version__``, looked up when it is asked for: that takes as long as a small verb."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("vanvault")
    except PackageNotFoundError:  # a checkout that was never installed
        return "0+unknown"

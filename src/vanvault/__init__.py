"""VanVault: a write-once archive and disaster-recovery appliance for I-VAN operators.

The rooms (archiver, recovery, api, cli) are folders at the top of the repository; they are
mapped into this one package, so that generic names such as ``api`` and ``cli`` never collide
with another installed distribution (docs/decisions/0001-one-package.md).
"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("vanvault")
except PackageNotFoundError:  # a checkout that was never installed
    __version__ = "0+unknown"

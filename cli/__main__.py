"""``python -m vanvault.cli`` is the command ``vanvault``."""

from vanvault.cli.main import run

run()

"""Numbers of options, between bounds: what can be added to any time, and is no ``nan`` or ``inf``."""

from __future__ import annotations

import math
from typing import Any

import click

#: Seconds that an option may ask to wait: a week.
LONGEST_WAIT_S = 7 * 86_400


class BoundedFloat(click.FloatRange):
    """A number from ``min`` to ``max``."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = super().convert(value, param, ctx)
        if math.isnan(found):  # it is neither below nor above anything
            self.fail(f"{value!r} is not in the range {self._describe_range()}.", param, ctx)
        return found

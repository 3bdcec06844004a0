"""What values a setting may have, in words, as the settings themselves declare it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from vanvault.archiver.core.settings.settings import Settings

#: Types of pydantic's errors that say that a number is out of its bounds, or none.
OUT_OF_BOUNDS = frozenset(
    ("finite_number", "greater_than", "greater_than_equal", "less_than_equal", "int_parsing_size")
)

#: Powers of two from here on are written as such.
_LONG = 2**20


def bounds_of(name: Sequence[str | int]) -> str:
    """``1 to 300``, ``above 0, to 86,400``: the bounds of a setting, by its path; "" where it has none."""
    field = _field(name)
    return "" if field is None else bounds_text(field)


def bounds_text(field: FieldInfo) -> str:
    """The bounds that a field declares, in words."""
    least, above, most = (_declared(field, name) for name in ("ge", "gt", "le"))
    if not most:
        return ""
    return f"above {above}, to {most}" if above else f"{least} to {most}"


def _declared(field: FieldInfo, name: str) -> str:
    found = next((one for one in field.metadata if getattr(one, name, None) is not None), None)
    return "" if found is None else str_of(getattr(found, name))


def str_of(number: Any) -> str:
    """``86,400``, ``2^40``."""
    if isinstance(number, int) and number >= _LONG and number & (number - 1) == 0:
        return f"2^{number.bit_length() - 1}"
    return f"{number:,}"


def _field(name: Sequence[str | int]) -> FieldInfo | None:
    model: type[BaseModel] | None = Settings
    parts = iter(name)
    for part in parts:
        field = model.model_fields.get(str(part)) if model is not None else None
        if field is None:
            return None
        annotation: Any = field.annotation
        if get_origin(annotation) is dict:  # a table by name, whose values are sections
            next(parts, None)
            annotation = get_args(annotation)[1]
        model = annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
    return field

"""Every number has bounds: what is accepted can be added to any date, and what is not is named."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from vanvault.archiver.core.errors import SettingsError
from vanvault.archiver.core.retention import profile, retain_until, with_years
from vanvault.archiver.core.settings import Settings, bounds_of
from vanvault.archiver.home_files import initial_text, load_settings

#: Unit at the end of a name, and its seconds.
UNITS = {"_ms": 0.001, "_s": 1, "_hours": 3600, "_days": 86_400}


def numbers(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every setting that is a number, by name."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from numbers(kind, f"{prefix}{name}.")
        elif {int, float} & {kind, *get_args(kind)}:
            yield prefix + name, field


NUMBERS = dict(numbers())


def bound(field: FieldInfo, *names: str) -> Any:
    return next(
        value for one in field.metadata for name in names if (value := getattr(one, name, None)) is not None
    )


@pytest.mark.parametrize("name", NUMBERS)
def test_every_number_has_a_least_and_a_greatest_value(name: str) -> None:
    field = NUMBERS[name]
    assert bound(field, "ge", "gt") >= 0
    assert bound(field, "le") < 2**63
    assert bounds_of(name.split("."))


def home_with(folder: Path, name: str, value: object) -> Path:
    section, _, last = name.rpartition(".")
    text = initial_text("an-archive", "file:sites/primary", "file:sites/standby")
    table = f"[{section}]\n"
    line = f"{last} = {value}\n"
    text = text.replace(table, table + line) if table in text else f"{text}\n{table}{line}"
    (folder / "vanvault.toml").write_text(text)
    return folder


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", ["1" + 40 * "0", "-1", "inf", "nan"])
def test_a_number_out_of_bounds_is_named_with_its_bounds(name: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(home_with(tmp_path, name, value))
    assert name in caught.value.message
    is_integer = NUMBERS[name].annotation is not float and value in ("inf", "nan")
    assert is_integer or bounds_of(name.split(".")) in caught.value.message


@pytest.mark.parametrize(
    ("variable", "name"),
    [
        ("VANVAULT_CLOCK__MAX_SKEW_S", "clock.max_skew_s"),
        ("VANVAULT_CLOCK__CHECK_S", "clock.check_interval_s"),  # an old name
        ("VANVAULT_LIMITS__BYTES", "limits.bytes"),
    ],
)
def test_a_value_of_the_environment_is_bounded_and_its_variable_is_named(
    variable: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "1" + 30 * "0")
    with pytest.raises(SettingsError) as caught:
        load_settings(home_with(tmp_path, "verify.parts", 9))
    assert variable in caught.value.message
    assert bounds_of(name.split(".")) in caught.value.message
    assert "vanvault.toml" not in caught.value.message


def test_a_section_of_the_environment_that_is_no_json_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VANVAULT_CLOCK", "{max_skew_s")
    with pytest.raises(SettingsError, match="VANVAULT_CLOCK is no JSON object"):
        load_settings(home_with(tmp_path, "verify.parts", 9))


@pytest.mark.parametrize("address", ["localhost:65536", "localhost:99999"])
def test_a_port_that_is_none_is_named(address: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"metrics\.address: a port is 0 to 65,535"):
        load_settings(home_with(tmp_path, "metrics.address", f'"{address}"'))


MOMENTS = st.integers(0, 7_258_118_400).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))  # to 2200
SPANS = [name for name in NUMBERS if name.endswith(tuple(UNITS)) and not name.endswith("_per_s")]


@given(st.sampled_from(SPANS), st.floats(0, 1), MOMENTS)
def test_a_span_that_is_accepted_can_be_added_to_any_date_and_waited_for(
    name: str, part: float, moment: datetime
) -> None:
    unit = next(seconds for end, seconds in UNITS.items() if name.endswith(end))
    seconds = part * bound(NUMBERS[name], "le") * unit
    span = timedelta(seconds=seconds)
    assert moment - 2 * span <= moment <= moment + span
    assert seconds < threading.TIMEOUT_MAX


@given(st.integers(1, 200), MOMENTS)
def test_a_period_of_retention_that_is_accepted_ends_before_the_last_year(
    years: int, moment: datetime
) -> None:
    settings = Settings(
        archive="an-archive",
        sites={"primary": {"url": "file:a"}, "standby": {"url": "file:b"}},  # type: ignore[arg-type]
        retention={"originals_years": years},  # type: ignore[arg-type]
    )
    changed = with_years(profile("QD08-2015"), originals=settings.retention.originals_years)
    assert retain_until(changed.originals, moment).year >= moment.year + years

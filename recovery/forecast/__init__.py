"""The door of forecast."""

from __future__ import annotations

from vanvault.recovery.forecast.cost import Cost, Measurement, cost_of
from vanvault.recovery.forecast.forecast import Forecast, Remedy, forecast
from vanvault.recovery.forecast.growth import Growth, growth, stored

__all__ = [
    "Cost",
    "Forecast",
    "Growth",
    "Measurement",
    "Remedy",
    "cost_of",
    "forecast",
    "growth",
    "stored",
]

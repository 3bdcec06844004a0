"""Forecast: how long a restore takes now and in years, and when growth breaks the limit."""

from __future__ import annotations

from vanvault.recovery.forecast.cost import Cost, Measurement, cost_of
from vanvault.recovery.forecast.forecast import Forecast, Remedy
from vanvault.recovery.forecast.growth import Growth
from vanvault.recovery.forecast.run import ForecastReport, ForecastRequest, forecast, forecast_of

__all__ = [
    "Cost",
    "Forecast",
    "ForecastReport",
    "ForecastRequest",
    "Growth",
    "Measurement",
    "Remedy",
    "cost_of",
    "forecast",
    "forecast_of",
]

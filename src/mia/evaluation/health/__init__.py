"""Health of a live model: drift, calibration and order on recent impressions, fallbacks, exploration; with limits."""

from mia.evaluation.health.facts import Facts, Population
from mia.evaluation.health.limits import MonitorLimits
from mia.evaluation.health.report import Health

__all__ = ["Facts", "Health", "MonitorLimits", "Population"]

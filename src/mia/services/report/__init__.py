"""Report uptake: the ledger's events rolled up, and how connections grew."""

from mia.services.report.active import ActiveSubscribers
from mia.services.report.export import GROUPINGS, UptakeExport
from mia.services.report.report import Only, Terms, UptakeReport
from mia.services.report.roll_up import RollUp

__all__ = ["GROUPINGS", "ActiveSubscribers", "Only", "RollUp", "Terms", "UptakeExport", "UptakeReport"]

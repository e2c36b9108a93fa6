"""Reasons in the subscriber's words, drawn from the model's own contributions."""

from mia.ranking.explanation.explain import MOST, Explainable, explain, is_explainable
from mia.ranking.explanation.templates import TEMPLATES, Template

__all__ = ["MOST", "TEMPLATES", "Explainable", "Template", "explain", "is_explainable"]

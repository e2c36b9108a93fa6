from xml.etree import ElementTree

from mia.evaluation.figures import MOST, gains_figure, reliability_figure
from mia.evaluation.metrics import Bin


def test_figures_are_drawings_that_name_what_they_show():
    curve = reliability_figure([Bin(0.5, 0.01, 0.02), Bin(0.5, 0.1, 0.08)])
    gains = gains_figure({f"column {place}": 1.0 / (place + 1) for place in range(MOST + 5)})
    for drawing in (curve, gains):
        assert ElementTree.fromstring(drawing).tag.endswith("svg")  # noqa: S314 - our own drawing
    assert "stated acceptance" in curve
    assert f"column {MOST - 1}" in gains
    assert f"column {MOST}<" not in gains

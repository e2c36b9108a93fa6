from xml.etree import ElementTree

from mia.evaluation.figures import MOST, gains_figure, reliability_figure, values_figure
from mia.evaluation.intervals import Estimate
from mia.evaluation.metrics import Bin
from mia.evaluation.off_policy import OffPolicy, Overlap, PolicyValue, support_table, values_table


def test_figures_are_drawings_that_name_what_they_show():
    curve = reliability_figure([Bin(0.5, 0.01, 0.02), Bin(0.5, 0.1, 0.08)])
    gains = gains_figure({f"column {place}": 1.0 / (place + 1) for place in range(MOST + 5)})
    for drawing in (curve, gains):
        assert ElementTree.fromstring(drawing).tag.endswith("svg")  # noqa: S314 - our own drawing
    assert "stated acceptance" in curve
    assert f"column {MOST - 1}" in gains
    assert f"column {MOST}<" not in gains


def valued(ips: Estimate, snips: Estimate, size: float, matched: float) -> PolicyValue:
    overlap = Overlap(1_000, size, matched, Estimate(0.9, 0.8, 1.0), 0.1, 20)
    return PolicyValue(OffPolicy({"ips": ips, "snips": snips}, {}, overlap), None)


def test_values_of_policies_are_tables_and_a_panel_an_estimator():
    found = {
        "mia": valued(Estimate(0.12, 0.06, 0.2), Estimate(0.18, 0.08, 0.28), 50.0, 0.016),
        "popular": valued(Estimate(0.09, 0.03, 0.15), Estimate(0.11, 0.04, 0.18), 59.0, 0.024),
    }
    values = values_table(found)
    assert values.num_rows == 4
    assert values.to_pylist()[1] == {"policy": "mia", "estimator": "snips", "value": 0.18, "low": 0.08, "high": 0.28}
    assert support_table(found).to_pylist()[1] == {
        "policy": "popular",
        "effective_size": 59.0,
        "matched": 0.024,
        "support": 0.9,
        "heaviest": 0.1,
    }
    drawing = ElementTree.fromstring(values_figure(values))  # noqa: S314 - our own drawing
    texts = [element.text for element in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert {"ips", "snips"} <= set(texts)
    assert texts.count("mia") == texts.count("popular") == 2

import numpy as np
import pytest

from gnl_core.plots.histograms import Panel
from gnl_core.plots.prediction import prediction_histograms
from gnl_core.plots.scrubber import Axes
from gnl_core.records import Scores

AXES = Axes(np.linspace(0, 4, 5), tallest=1.0)


def panel(values: list[float], labels: list[int], *, shifted: bool) -> Panel:
    names = np.array(["any"] * len(values))
    scores = Scores(np.array(values), np.array(labels), domain=names, category=names, path=names)
    return Panel(scores, shifted=shifted, title="shifted" if shifted else "before", note="note", footnote="foot")


@pytest.fixture
def panels() -> tuple[Panel, Panel]:
    return panel([0.5, 1.5, 2.5], [0, 0, 1], shifted=False), panel([2.5, 2.6, 3.5], [0, 0, 1], shifted=True)


def test_the_shifted_bars_are_drawn_when_they_are_revealed_and_nothing_else_moves(panels):
    hidden, revealed = (prediction_histograms(panels, AXES, threshold=2.0, revealed=shown) for shown in (False, True))
    assert [sum(trace.type == "bar" for trace in figure.data) for figure in (hidden, revealed)] == [2, 4]
    assert hidden.layout.xaxis.range == revealed.layout.xaxis.range == hidden.layout.xaxis2.range
    assert hidden.layout.yaxis2.range == revealed.layout.yaxis2.range
    assert hidden.layout.height == revealed.layout.height
    shares = [list(trace.y) for trace in revealed.data if trace.type == "bar"]
    assert shares == [[0.5, 0.5, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1]]


def test_the_threshold_is_drawn_through_both(panels):
    figure = prediction_histograms(panels, AXES, threshold=2.0, revealed=False)
    lines = [trace for trace in figure.data if trace.type == "scatter" and trace.mode == "lines"]
    assert [(line.xaxis, list(line.x)) for line in lines] == [("x", [2.0, 2.0]), ("x2", [2.0, 2.0])]

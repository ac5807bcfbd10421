from __future__ import annotations

import numpy as np
import pytest

from gnl_core.plots.histograms import Panel, shared_edges, tallest_share
from gnl_core.plots.scrubber import Axes, HistogramPair, figure_height, scrub_histograms
from gnl_core.records import Scores


def make_row(shift: float) -> HistogramPair:
    """Two normal images and one anomaly in each domain, moved along the score axis."""
    scores = Scores(
        score=np.array([0.0, 1.0, 2.0]) + shift,
        label=np.array([0, 0, 1]),
        domain=np.array(["d"] * 3),
        category=np.array(["c"] * 3),
        path=np.array(["p"] * 3),
    )
    panels = [
        Panel(scores, shifted=shifted, title="t", note=f"note {shift}", footnote="f") for shifted in (False, True)
    ]
    return HistogramPair((panels[0], panels[1]), thresholds=(1.5 + shift, 1.5 + shift))


@pytest.fixture(scope="module")
def figure():
    """Two methods at two strengths, of which the second moves by a half."""
    strengths = {0.0: [make_row(0.0), make_row(0.0)], 1.0: [make_row(0.0), make_row(0.5)]}
    scores = [panel.scores for rows in strengths.values() for row in rows for panel in row.panels]
    edges = shared_edges(scores)
    axes = Axes(edges, tallest_share(scores, edges))
    return scrub_histograms(strengths, [(axes, axes)] * 2, shown=0.0)


def test_each_labels_bars_sum_to_one(figure):
    bars = [trace for trace in figure.data if trace.type == "bar"]
    assert len(bars) == 8  # two methods, two domains, two labels
    assert [sum(trace.y) for trace in bars] == pytest.approx([1.0] * 8)


def test_bars_that_are_empty_at_every_strength_are_left_out(figure):
    for place, trace in enumerate(figure.data):
        if trace.type == "bar":
            heights = np.array([trace.y, *(frame.data[place].y for frame in figure.frames)])
            assert heights.shape[1] == len(trace.x)
            assert heights.any(axis=0).all()


def test_traces_are_in_their_methods_row_with_in_distribution_on_the_left(figure):
    axes = [trace.xaxis for trace in figure.data if trace.type == "bar"]
    assert axes == ["x"] * 2 + ["x2"] * 2 + ["x3"] * 2 + ["x4"] * 2


def test_a_frame_updates_only_the_method_that_its_strength_changes(figure):
    unmatched, matched = figure.frames
    assert (unmatched.name, matched.name) == ("0", "1")
    half = len(figure.data) // 2
    for place, (before, after) in enumerate(zip(unmatched.data, matched.data, strict=True)):
        moved = any(
            not np.array_equal(before[part], after[part]) for part in ("x", "y", "text") if before[part] is not None
        )
        assert moved == (place >= half)


def test_one_strength_alone_has_no_slider():
    row = make_row(0.0)
    scores = [panel.scores for panel in row.panels]
    edges = shared_edges(scores)
    still = scrub_histograms({0.5: [row]}, [(Axes(edges, tallest_share(scores, edges)),) * 2], shown=0.5)
    assert not still.frames
    assert still.layout.height == figure_height(1, scrubbed=False) < figure_height(1, scrubbed=True)


def test_without_a_threshold_no_line_is_drawn():
    row = make_row(0.0)._replace(thresholds=(None, None))
    scores = [panel.scores for panel in row.panels]
    edges = shared_edges(scores)
    still = scrub_histograms({0.0: [row]}, [(Axes(edges, tallest_share(scores, edges)),) * 2], shown=0.0)
    assert [trace.mode for trace in still.data if trace.type == "scatter"] == ["text", "text"]


def test_each_panel_has_its_own_axis_and_threshold():
    row = make_row(0.0)._replace(thresholds=(1.5, 7.0))
    first, second = Axes(np.linspace(0, 2, 5), tallest=1.0), Axes(np.linspace(0, 8, 5), tallest=0.5)
    still = scrub_histograms({0.0: [row]}, [(first, second)], shown=0.0)
    assert (still.layout.xaxis.range, still.layout.xaxis2.range) == ((0, 2), (0, 8))
    assert [trace.x[0] for trace in still.data if trace.type == "scatter" and trace.mode == "lines"] == [1.5, 7.0]

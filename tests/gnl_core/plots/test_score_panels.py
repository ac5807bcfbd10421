from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from gnl_core.plots.histograms import Panel
from gnl_core.plots.score_panels import render, score_panels
from gnl_core.records import Scores


def make_panel(*, shifted: bool, scale: float = 1.0) -> Panel:
    label = np.arange(100) % 2
    scores = Scores(
        score=scale * (np.linspace(0, 1, 100) + label),
        label=label,
        domain=np.array(["d"] * 100),
        category=np.array(["c"] * 100),
        path=np.array([str(row) for row in range(100)]),
    )
    return Panel(scores, shifted=shifted, title="d", note="AUROC", footnote="method")


def make_methods(*scales: float) -> list[list[Panel]]:
    return [[make_panel(shifted=shifted, scale=scale) for shifted in (False, True)] for scale in scales]


def test_four_panels_share_one_score_axis():
    figure = score_panels(make_methods(1.0, 1.5))
    limits = {axis.get_xlim() for axis in figure.axes}
    assert len(figure.axes) == 4
    assert len(limits) == 1
    low, high = limits.pop()
    assert low < 0
    assert high > 3


def test_scores_of_another_magnitude_have_their_own_axis():
    limits = [axis.get_xlim() for axis in score_panels(make_methods(1.0, 100.0)).axes]
    assert limits[0] == limits[1] != limits[2] == limits[3]


def test_each_labels_bars_are_shares_that_add_up_to_one():
    axis = score_panels(make_methods(1.0, 1.0)).axes[0]
    heights = [[bar.get_height() for bar in bars] for bars in axis.containers]
    assert [sum(bars) for bars in heights] == pytest.approx([1, 1])


def test_shifted_bars_are_hatched_and_others_are_not():
    plain, shifted = score_panels(make_methods(1.0, 1.0)).axes[:2]
    assert not any(bar.get_hatch() for bars in plain.containers for bar in bars)
    assert [bool(bars[0].get_hatch()) for bars in shifted.containers] == [False, True] * 2


@pytest.mark.parametrize(("ending", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG")])
def test_the_same_figure_gives_the_same_bytes(ending: str, start: bytes):
    first, second = (render(score_panels(make_methods(1.0, 1.0)), ending=ending) for _ in range(2))
    assert first == second
    assert first.startswith(start)


@pytest.mark.parametrize("name", ["$x$", "$\\nonsense{$", "<img src=x>", "a --> b", "a & b"])
def test_a_name_is_drawn_as_it_is_and_the_svg_stays_well_formed(name: str):
    figure = score_panels([[make_panel(shifted=False)._replace(title=name, footnote=name)]])
    (axis,) = figure.axes
    assert [text.get_text() for text in (axis._left_title, axis.yaxis.label)] == [name, name]
    svg = render(figure, ending="svg")
    assert not [element for element in ET.fromstring(svg).iter() if element.tag.rpartition("}")[2].startswith("im")]


def test_a_name_with_control_characters_is_drawn_escaped_and_the_svg_stays_well_formed():
    figure = score_panels([[make_panel(shifted=False)._replace(title="a\x1b[31m", footnote="b\0\ufffe")]])
    ET.fromstring(render(figure, ending="svg"))
    assert figure.axes[0].get_title(loc="left") == r"a\x1b[31m"
    assert figure.axes[0].get_ylabel() == r"b\x00\ufffe"

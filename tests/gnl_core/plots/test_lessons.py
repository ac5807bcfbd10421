import pytest

from gnl_core.plots.lessons import Gain, agreement_bars, count_widths, enlarge, gain_dumbbells
from gnl_core.plots.style import ACCENT, GREY


def test_bars_are_centred_and_the_bottleneck_alone_is_in_colour():
    (bars,) = count_widths({"image": 12, "embedding": 2, "map": 6}, narrowest="embedding").data
    assert list(bars.x) == [12, 2, 6]
    assert list(bars.base) == [-6, -1, -3]
    assert list(bars.marker.color) == [GREY, ACCENT, GREY]


def test_each_term_has_a_panel_and_each_view_and_method_a_row():
    rows = {("AugMix", "RD4AD"): 0.2, ("AugMix", "GNL"): 0.1, ("shift", "RD4AD"): 0.8, ("shift", "GNL"): 0.4}
    figure = agreement_bars({"embedding": rows, "low-level": {row: value / 10 for row, value in rows.items()}})
    first, second = figure.data
    assert list(first.x) == [0.4, 0.8, 0.1, 0.2]  # from below
    assert list(first.y[0]) == ["shift", "shift", "AugMix", "AugMix"]
    assert list(second.text) == ["0.040", "0.080", "0.010", "0.020"]
    assert figure.layout.xaxis.range[1] > 0.8 > figure.layout.xaxis2.range[1] > 0.08


def test_views_that_change_nothing_leave_an_axis():
    figure = agreement_bars({"embedding": {("view", "RD4AD"): 0.0}})
    assert figure.layout.xaxis.range[1] > 0


def test_a_line_runs_from_without_to_with_matching_and_is_labelled_with_the_difference():
    figure = gain_dumbbells([Gain("helped", 0.6, 0.7), Gain("hurt", 0.9, 0.85)], shown="hurt")
    helped, hurt = figure.data
    assert (list(helped.x), list(hurt.x)) == ([0.6, 0.7], [0.9, 0.85])
    assert (helped.line.color, hurt.line.color) == (GREY, ACCENT)
    assert [(note.text, note.xanchor) for note in figure.layout.annotations] == [
        ("+0.100", "left"),
        ("−0.050", "right"),
    ]


def test_a_larger_figure_is_higher_and_so_are_its_letters():
    figure = gain_dumbbells([Gain("helped", 0.6, 0.7)], shown="helped")
    height = figure.layout.height
    larger = enlarge(figure, 2)
    assert larger.layout.height == 2 * height
    assert larger.layout.annotations[0].font.size == 26


def test_parts_of_a_text_with_their_own_size_are_enlarged_too():
    figure = count_widths({"image": 12}, narrowest="image")
    figure.data[0].text = ["<span style='font-size:12px'>n</span>"]
    assert enlarge(figure, 1.5).data[0].text[0] == "<span style='font-size:18px'>n</span>"


@pytest.mark.parametrize("value", [0.6, 1.0])
def test_no_change_is_labelled_zero(value):
    assert gain_dumbbells([Gain("same", value, value)], shown="same").layout.annotations[0].text == "+0.000"

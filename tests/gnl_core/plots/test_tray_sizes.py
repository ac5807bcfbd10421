"""What adapting brings over the number of images, as a figure."""

from gnl_core.plots.tray_sizes import SizeCurve, SizePanel, tray_size_curves

SIZES = ["as it is", "4", "8"]


def panel(*values, goal=0.9):
    return SizePanel("AUROC", [SizeCurve("adapted", "#009E73", "diamond", values)], goal, (0.5, 1.0), ".2f")


def lines(figure, dash):
    return [shape for shape in figure.layout.shapes if shape.line.dash == dash]


def test_a_curve_has_its_values_in_order_of_the_sizes():
    (curve,) = tray_size_curves(SIZES, [panel(0.5, 0.7, 0.9)], guess=None).data
    assert list(curve.x) == [0, 1, 2]
    assert list(curve.y) == [0.5, 0.7, 0.9]


def test_the_axes_stay_the_same_when_the_rest_is_revealed():
    hidden, shown = (tray_size_curves(SIZES, [part], guess=None) for part in (panel(0.5), panel(0.5, 0.7, 0.9)))
    assert hidden.layout.yaxis.range == shown.layout.yaxis.range
    assert hidden.layout.xaxis.range == shown.layout.xaxis.range
    assert hidden.layout.xaxis.ticktext == tuple(SIZES)


def test_each_panel_has_its_goal():
    figure = tray_size_curves(SIZES, [panel(0.5, goal=0.9), panel(0.5, goal=0.1)], guess=None)
    assert [line.y0 for line in lines(figure, "dot")] == [0.9, 0.1]


def test_a_guess_is_marked_at_its_size_in_each_panel():
    figure = tray_size_curves(SIZES, [panel(0.5), panel(0.5)], guess="8")
    assert [line.x0 for line in lines(figure, "dash")] == [2, 2]
    assert not lines(tray_size_curves(SIZES, [panel(0.5)], guess=None), "dash")


def test_a_heading_names_the_curves_beside_their_colours():
    (heading,) = tray_size_curves(SIZES, [panel(0.5)], guess=None).layout.annotations
    assert heading.text == "<b>AUROC</b>  <span style='color:#009E73'>■</span> adapted"

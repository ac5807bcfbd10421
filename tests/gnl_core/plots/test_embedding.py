"""Images on a plane of an embedding."""

import numpy as np
import pytest

from gnl_core.plots.embedding import Arrow, Cloud, common_bounds, embedding_plane
from gnl_core.plots.style import ANOMALOUS, GREY, NORMAL

PLACES = np.array([[0.0, 1.0], [2.0, 5.0]])


def draw(*clouds, arrows=()):
    return embedding_plane(clouds, arrows, bounds=((-1, 3), (0, 6)), titles=("shift", "anomaly"))


def test_the_label_is_the_colour_and_the_domain_the_shape():
    training, here, there = draw(
        Cloud("training", PLACES, None, shifted=False, texts=["a", "b"]),
        Cloud("normal", PLACES, 0, shifted=False, texts=["a", "b"]),
        Cloud("shifted", PLACES, 1, shifted=True, texts=["a", "b"]),
    ).data
    assert [part.marker.color for part in (training, here, there)] == [GREY, NORMAL, ANOMALOUS]
    assert training.marker.symbol == here.marker.symbol != there.marker.symbol
    assert list(there.x) == [0, 2]
    assert list(there.y) == [1, 5]


def test_an_arrow_leads_from_its_start_to_its_end():
    (arrow,) = draw(arrows=[Arrow(PLACES[0], PLACES[1])]).layout.annotations
    assert (arrow.ax, arrow.ay, arrow.x, arrow.y) == (0, 1, 2, 5)


def test_both_axes_have_one_scale_and_their_titles():
    layout = draw().layout
    assert layout.yaxis.scaleanchor == "x"
    assert (layout.xaxis.title.text, layout.yaxis.title.text) == ("shift", "anomaly")


def test_common_bounds_contain_all_points():
    (left, right), (bottom, top) = common_bounds([PLACES, PLACES - 4])
    assert (left, right) == pytest.approx((-4.3, 2.3))
    assert (bottom, top) == pytest.approx((-3.4, 5.4))


def test_names_of_images_are_shown_as_text():
    (part,) = draw(Cloud("<b>", PLACES, 0, shifted=False, texts=["<img src=x>", "b"])).data
    assert part.text[0] == "&lt;img src=x&gt;"
    assert part.name == "&lt;b&gt;"

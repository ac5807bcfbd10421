"""The panels of the page Embeddings, one per state, and the images selected in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import streamlit as st

from app.controls.view import View
from app.display.downloads import chart_config
from app.screens.embeddings.planes import Plane
from app.screens.embeddings.states import Embedding, State
from gnl_core.datasets.base import UNLABELLED
from gnl_core.plots.style import LABEL_NAMES

if TYPE_CHECKING:
    from app.embedding import Placed
    from gnl_core.metrics.embedding import Points
    from gnl_core.plots.embedding import Arrow, Cloud

BUTTONS = [["select2d", "lasso2d", "toImage"]]
LEGEND = (
    ":blue[●] :blue[◇] normal  :orange[●] :orange[◇] anomalous  ·  ● in-distribution, ◇ shifted, small grey dots: "
    "training images  ·  arrows: from the mean of in-distribution normal images to that of shifted normal ones, the "
    "shift, and on to that of shifted anomalies"
)
UNLABELLED_LEGEND = (
    "◇ images to score, small grey dots: training images  ·  arrow: from the mean of the training images to that of "
    "the images to score"
)


class Key(NamedTuple):
    """An image on the page.

    Attributes:
        side: 0 for the in-distribution domain, 1 for the shifted one.
        row: Its row among the images placed.
    """

    side: int
    row: int


def draw_panels(view: View, embedding: Embedding, plane: Plane) -> set[Key]:
    """Draw a panel for each state, side by side with common axes; return the images selected in any of them."""
    from gnl_core.plots.embedding import common_bounds, embedding_plane  # noqa: PLC0415 (Plotly takes a second to import)

    panels = [list(state_clouds(view, embedding, state, plane)) for state in embedding.states]
    bounds = common_bounds([cloud.points for panel in panels for cloud, _ in panel])
    selected: set[Key] = set()
    for number, place in enumerate(st.columns(len(panels))):
        panel = panels[number]
        with place:
            figure = embedding_plane(
                [cloud for cloud, _ in panel],
                state_arrows(embedding.states[number], plane),
                bounds=bounds,
                titles=plane.titles,
            )
            points = draw_panel(embedding, embedding.states[number], figure, key=f"plane_{number}")
        selected |= read_selection(points, [keys for _, keys in panel])
    st.caption(UNLABELLED_LEGEND if view.unlabelled else LEGEND)
    return selected


def draw_panel(embedding: Embedding, state: State, figure: Any, *, key: str) -> list[dict[str, Any]]:
    """Draw the panel of a state; return the selected points, as Streamlit reports them."""
    st.markdown(f"**{state.name}**")
    chart: Any = st.plotly_chart(
        figure,
        key=key,
        on_select="rerun",
        selection_mode=("box", "lasso"),
        config=chart_config(f"embedding {state.name}") | {"modeBarButtons": BUTTONS},
        alt=describe_panel(embedding, state),
    )
    points: list[dict[str, Any]] = chart["selection"]["points"]
    return points


def state_clouds(view: View, embedding: Embedding, state: State, plane: Plane) -> Iterator[tuple[Cloud, list[Key]]]:
    """Yield a state's groups from beneath, each with the keys of its images; training images have none."""
    from gnl_core.metrics.embedding import distances  # noqa: PLC0415 (scikit-learn takes a second to import)
    from gnl_core.plots.embedding import Cloud  # noqa: PLC0415 (as above)

    training = embedding.training.group
    names = ["training image"] * len(training.labels)
    yield Cloud("training", plane.place(training), None, shifted=False, texts=names), []
    for side, placed in enumerate(state.sides):
        if view.unlabelled and side == 0:  # these are the training images
            continue
        places, away = plane.place(placed.group), distances(embedding.frame, placed.group.points)
        for label in (1, 0, UNLABELLED):
            rows = np.flatnonzero(placed.group.labels == label).tolist()
            if len(rows):
                texts = [f"{describe_image(view, placed, Key(side, row))}, distance {away[row]:.2f}" for row in rows]
                name = f"{view.sides[side].lower()}, {LABEL_NAMES[label]}"
                cloud = Cloud(name, places[rows], label, shifted=side == 1, texts=texts)
                yield cloud, [Key(side, row) for row in rows]


def describe_image(view: View, placed: Placed, key: Key) -> str:
    """Describe an image under the cursor."""
    label = int(placed.group.labels[key.row])
    return f"{name_image(placed, key.row)}, {LABEL_NAMES[label]}, {view.sides[key.side].lower()}"


def name_image(placed: Placed, row: int) -> str:
    """Name an image by its category, or without a label by its file."""
    if placed.group.labels[row] == UNLABELLED:
        return placed.paths[row].rpartition("/")[2]
    return placed.categories[row].replace("_", " ")


def state_arrows(state: State, plane: Plane) -> list[Arrow]:
    """Return the arrows of the shift and of the anomaly between the means, as far as there are such images."""
    from gnl_core.plots.embedding import Arrow  # noqa: PLC0415 (as above)

    return [
        Arrow(*(places.mean(axis=0) for places in pair)) for pair in means_apart(state, plane) if all(map(len, pair))
    ]


def means_apart(state: State, plane: Plane) -> tuple[tuple[Points, Points], tuple[Points, Points]]:
    """Return the places of the groups whose means the shift, and then the anomaly, are the distances of."""
    from gnl_core.metrics.embedding import Group  # noqa: PLC0415 (as above)

    here, there = (Group(plane.place(placed.group), placed.group.labels) for placed in state.sides)
    return (here.normal, there.normal), (there.normal, there.anomalous)


def describe_panel(embedding: Embedding, state: State) -> str:
    """Describe a panel as alternative text."""
    here, there = (len(placed.numbers) for placed in state.sides)
    return (
        f"{embedding.method}, {state.name.lower()}: {len(embedding.training.numbers)} training, {here} in-distribution "
        f"and {there} shifted images on the plane of the training images' first two principal components"
    )


def read_selection(points: Sequence[Mapping[str, Any]], keys: Sequence[Sequence[Key]]) -> set[Key]:
    """Read the selected images from Plotly's points; training images are ignored.

    Args:
        points: Points of Plotly's selection event.
        keys: The images of each trace.
    """
    found = [(keys[point["curve_number"]], point["point_index"]) for point in points]
    return {own[index] for own, index in found if index < len(own)}

"""Learn, step 4: a training from before its first epoch to its end, which moves in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import PROJECT
from app import query_keys as keys
from app.display.components import PAGE, component, read
from app.display.maps import draw_colour_bar
from app.display.pictures import data_url, to_png
from app.screens.learn.course import (
    LABELS,
    describe_course,
    describe_epoch,
    describe_image,
    draw_curves,
    draw_panels,
    draw_plane,
    name_epoch,
    results_of,
)
from app.screens.learn.step import CHOICES, LessonStep, name_origin
from app.words import capitalised, exact_percent, percent
from gnl_core.files import Version, version_of
from gnl_core.metrics.map_scale import MAP_SCALE_QUANTILE
from gnl_core.names import domain_name
from gnl_core.plots.style import LABEL_NAMES
from gnl_core.runs.snapshots import Snapshots, read_snapshots

TRAINING = PROJECT / "assets" / "snapshots" / "digits-4-rd4ad.json"
TEXT = """\
In each **epoch**, training goes once through all normal images. Before the first, the student's features have nothing
to do with the teacher's; then it learns to rebuild them from the embedding.

On the right is one training, epoch by epoch. Press **Play** or move the slider: the student's colours approach the
teacher's, the map darkens, scores and embeddings separate. All scales stay the same.

Choose another image. What can the student rebuild after 1, 3 and 10 epochs? And does more training help under the
shift, too?"""


class Watching(NamedTuple):
    """A training, and the images to watch.

    Attributes:
        snapshots: The training.
        domain: The domain of the pictures.
        places: Positions of a normal and an anomalous image among those that have pictures.
    """

    snapshots: Snapshots
    domain: str
    places: tuple[int, int]


def ask() -> Watching:
    """Choose the anomalous image, and the domain that both images are shown in.

    Raises:
        ValueError: If the training is missing or damaged.
    """
    snapshots = bundled_training(TRAINING, version_of(TRAINING))
    domains = list(snapshots.watched)
    with st.container(key=CHOICES):
        place = choose_place(snapshots)
        domain = st.segmented_control(
            "Domain of the pictures",
            domains,
            default=domains[0],
            required=True,
            format_func=lambda name: capitalised(domain_name(name)),
            key=keys.WATCHED_DOMAIN,
            bind="query-params",
        )
    return Watching(snapshots, domain or domains[0], (0, place))


@st.cache_resource(max_entries=2, show_spinner=False)
def bundled_training(path: Path, version: Version | None) -> Snapshots:
    """Read the training, once for each version of the file. Do not modify the result.

    Raises:
        ValueError: If it is missing or damaged; the message says why.
    """
    try:
        return read_snapshots(path)
    except FileNotFoundError:
        raise ValueError(
            "the project's bundled training is missing from assets/snapshots; run make snapshots to train it again"
        ) from None


def choose_place(snapshots: Snapshots) -> int:
    """Choose one of the anomalous images that have pictures; return its position among those that have."""
    watched = next(iter(snapshots.watched.values()))
    places = {
        name: place
        for place, (row, name) in enumerate(zip(watched.rows, watched.names, strict=True))
        if watched.labels[row]
    }
    chosen = st.selectbox("Anomalous image", list(places), key=keys.WATCHED_IMAGE, bind="query-params")
    return places[chosen]


def show(watching: Watching, large: bool) -> None:
    """Draw the training in the browser."""
    snapshots = watching.snapshots
    results = results_of(snapshots)
    st.markdown(describe_course(snapshots, results))
    data = {
        "epochs": [{"number": one.epoch, "name": name_epoch(one.epoch)} for one in snapshots.epochs],
        "told": [describe_epoch(*pair) for pair in zip(snapshots.epochs, results, strict=True)],
        "images": [draw_image(watching, place) for place in watching.places],
        "panels": draw_panels(snapshots, results),
        "plane": draw_plane(snapshots) | {"share": percent(snapshots.plane_share)},
        "curves": draw_curves(snapshots),
    }
    component(
        "watching", html=read("watching.html"), css=("watching.css",), js=(f"{PAGE}/histogram.js", "watching.js")
    )(key="watching", data=data)
    share = exact_percent(MAP_SCALE_QUANTILE)
    draw_colour_bar(f"{snapshots.map_scale:.2f}: {share} of training maps stay below after the last epoch")
    st.caption(describe_origin(snapshots))


def draw_image(watching: Watching, place: int) -> dict[str, Any]:
    """Build an image's pictures and captions after each epoch."""
    from gnl_core.plots.maps import colour_map  # noqa: PLC0415 (matplotlib takes a second to import)

    snapshots, domain, _ = watching
    watched = snapshots.watched[domain]
    parts = [snapshot.domains[domain] for snapshot in snapshots.epochs]
    return {
        "name": capitalised(watched.names[place].replace("_", " ")),
        "label": LABEL_NAMES[int(watched.labels[watched.rows[place]])],
        "image": picture(watched.images[place]),
        "teacher": picture(watched.teacher[place]),
        "students": [picture(part.student[place]) for part in parts],
        "maps": [picture(colour_map(part.maps[place], upper=snapshots.map_scale)) for part in parts],
        "captions": [describe_image(part, row=watched.rows[place], place=place) for part in parts],
    }


def picture(pixels: NDArray[np.uint8]) -> str:
    """Encode a small picture without loss."""
    return data_url("image/png", to_png(pixels))


def describe_origin(snapshots: Snapshots) -> str:
    """Name the images and the run behind the figures."""
    labels = next(iter(snapshots.watched.values())).labels
    counts = " and ".join(f"{(labels == label).sum():,} {LABEL_NAMES[label]}" for label in LABELS)
    about = f"a training of its own, {snapshots.config.epochs} epochs; n = {counts} images per domain, without matching"
    return name_origin(snapshots.config, {snapshots.config.detector: snapshots.checkpoint}, about=about)


WATCHING = LessonStep("Watch it learn", TEXT, ask, show)

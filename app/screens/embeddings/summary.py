"""The sentence of the page Embeddings, the table of distances, and where they come from."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

import streamlit as st

from app.controls.view import View
from app.display.adaptation import describe_tray, describe_ways, name_ways
from app.display.provenance import describe_origin
from app.engines import engines_here
from app.screens.embeddings.figure import means_apart
from app.screens.embeddings.planes import Plane
from app.screens.embeddings.states import Embedding, State, describe_kind
from app.words import capitalised, percent, plain, sentence_list
from gnl_core.datasets.base import UNLABELLED
from gnl_core.names import domain_name
from gnl_core.plots.style import LABEL_NAMES
from gnl_core.runs.adapted_scores import TrayChoice

if TYPE_CHECKING:
    from app.embedding import Placed

DISTANCE_HELP = (
    "Distances are between the means of groups of images, in the full embedding. Their unit is the spread of the "
    "training images: the root of their mean squared distance from their own mean. What means of so few images are "
    "apart by chance is subtracted. The share is of squared distances."
)
COLUMNS = ("", "Shift", "Anomaly, shifted", "Anomaly, in-distribution", "Share of shift")


def summary_sentence(view: View, embedding: Embedding) -> str:
    """State how much of the distance is shift and how much is anomaly, and what matching and adapting leave."""
    first, *others = embedding.states
    found = first.separation
    if found.shift is None:
        return (
            f"The distance in {embedding.method}'s embedding is not known: it takes two images or more of each of two "
            "groups."
        )
    subject = "the images to score lie" if view.unlabelled else "normal images lie"
    origin = "the training images" if view.unlabelled else "in-distribution ones"
    shift = f"{capitalised(domain_name(view.shifted))}, {subject} {length(found.shift)} from {origin}"
    anomaly = "" if found.anomaly is None else f", and anomalies {length(found.anomaly)} from normal images"
    share = "" if found.shift_share is None else f": {percent(found.shift_share)} of the squared distance is shift"
    return (
        f"{shift} in {embedding.method}'s embedding{anomaly}{share}.{unlabelled_words(view)}"
        f"{''.join(change_words(embedding, state) for state in others)}"
    )


def unlabelled_words(view: View) -> str:
    """Say what distances without labels cannot tell."""
    return " Without labels, it is not known how much of this is anomaly." if view.unlabelled else ""


def change_words(embedding: Embedding, state: State) -> str:
    """State what matching or adapting leaves of the distances."""
    found, ways = state.separation, embedding.ways
    if found.shift is None:
        return ""
    if state.adapted and ways is not None and not ways.match_domain:
        return f" {state.name}: {name_ways(ways)}, which moves no image."
    anomaly = "" if found.anomaly is None else f" and the anomaly {length(found.anomaly)}"
    share = "" if found.shift_share is None else f" ({percent(found.shift_share)} shift)"
    return f" {state.name}: the shift is {length(found.shift)}{anomaly}{share}."


def length(squared: float) -> str:
    """Format a distance, given its square."""
    return f"{math.sqrt(squared):.1f}"


def show_distances(view: View, embedding: Embedding, plane: Plane) -> None:
    """Draw the table of distances in each state, with the number of images behind them."""
    header = [COLUMNS, ("---", *("---:",) * (len(COLUMNS) - 1))]
    rows = [distance_row(state) for state in embedding.states]
    st.markdown("\n".join(f"| {' | '.join(row)} |" for row in (*header, *rows)), help=DISTANCE_HELP)
    st.caption(
        f"Distances between means of n = {count_images(view, embedding)}, in units of the training images' spread. "
        f"{describe_plane(embedding, plane)}"
    )


def count_images(view: View, embedding: Embedding) -> str:
    """Count the images of each group."""
    counts = [f"{len(embedding.training.numbers)} training images"]
    for side, placed in zip(view.sides, embedding.states[0].sides, strict=True):
        if not (view.unlabelled and side == view.sides[0]):  # these are the training images
            counts.append(f"{side.lower()} {count_labels(placed)}")
    return "; ".join(counts)


def distance_row(state: State) -> tuple[str, ...]:
    """Format one state's distances; a dash for one that is not known."""
    found = state.separation
    squares = (found.shift, found.anomaly, found.base_anomaly)
    cells = ("–" if squared is None else f"{math.sqrt(squared):.2f}" for squared in squares)
    return state.name, *cells, "–" if found.shift_share is None else percent(found.shift_share)


def describe_plane(embedding: Embedding, plane: Plane) -> str:
    """State how the plane was fitted, and how much of the distances in the first panel it shows."""
    from gnl_core.metrics.embedding import shown_share  # noqa: PLC0415 (scikit-learn takes a second to import)

    first = embedding.states[0]
    named = zip(("the shift", "the anomaly"), means_apart(first, plane), first.separation, strict=False)
    shares = [f"{percent(shown_share(*pair, squared))} of {name}" for name, pair, squared in named if squared]
    rest = f" Of the squared distances in the first panel it shows {sentence_list(shares)}." if shares else ""
    return f"{plane.about}{rest}"


def show_provenance(embedding: Embedding, choice: TrayChoice | None) -> None:
    """Show how the method is adapted, what the embedding is, and where the images come from."""
    if choice is not None and embedding.ways is not None:
        st.caption(f"{describe_tray(choice)}, and left out here. {capitalised(describe_ways(embedding.ways))}")
    checkpoint = embedding.request.checkpoint
    st.caption(
        f"{embedding.method}: {describe_kind(checkpoint.config.detector)} · images drawn with seed 0 · "
        f"{plain(describe_origin(checkpoint, engines_here(checkpoint)))}"
    )


def count_labels(placed: Placed) -> str:
    """Count a domain's images by label."""
    counts = Counter(placed.group.labels.tolist())
    return ", ".join(f"{counts[label]} {LABEL_NAMES[label]}" for label in (0, 1, UNLABELLED) if counts[label])

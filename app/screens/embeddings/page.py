"""Embeddings: where a method places training, in-distribution and shifted images, and how far apart they lie."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.checkpoints import Checkpoint
from app.controls.adaptation import choose_tray
from app.controls.image import list_labels
from app.controls.links import EMBEDDINGS, Address, address_of, link_to_page
from app.controls.requests import choose_requests
from app.controls.scoring import choose_scoring
from app.controls.view import View, report_untrained
from app.display.unreadable import reporting_errors
from app.display.view import draw_view
from app.image_scoring import RequestPair
from app.screens.embeddings.downloads import offer_points
from app.screens.embeddings.figure import draw_panels
from app.screens.embeddings.gallery import show_gallery
from app.screens.embeddings.planes import choose_plane
from app.screens.embeddings.states import Embedding, place_states
from app.screens.embeddings.summary import show_distances, show_provenance, summary_sentence
from app.shift_scores import shift_score_of
from app.words import NO_SHIFT_SCORE, SHIFT_SCORE_HELP, plain
from gnl_core.names import DETECTOR_NAMES, name_of

CONTROLS = (2.2, 2, 2, 1.6, 1.8, 1.8)  # column widths
COUNTS = (16, 32, 64, 128, 256)
FIRST_COUNT = 64
METHOD, COUNT = "embedding_of", "per_group"
COUNT_HELP = (
    "The largest number of images that are drawn of each group: training images, and each label of each domain."
)


def page() -> None:
    """Draw the page from top to bottom."""
    draw_view(show_view, named="This embedding")


def show_view(view: View, checkpoints: list[Checkpoint]) -> None:
    """Draw the second row of choices, and the embedding of the chosen method."""
    method, *adapting, scoring, strength_place, count_place = st.columns(CONTROLS, vertical_alignment="bottom")
    choice = choose_tray(adapting, list_labels(view, checkpoints, view.shifted))
    strength, settings = choose_scoring((scoring, strength_place))
    count = int(
        count_place.select_slider(
            "Images per group", COUNTS, value=FIRST_COUNT, key=COUNT, bind="query-params", help=COUNT_HELP
        )
    )
    pairs, untrained = choose_requests(view, checkpoints, strength=strength, settings=settings)
    report_untrained(view, untrained, remedy="Train one on the page Explore.")
    if not pairs:
        return
    pair = choose_method(method, pairs)
    with st.spinner("Placing the images", show_time=True):
        embedding = place_states(view, pair, choice, count=count)
    address = address_of(view, [one.off for one in pairs], strength=strength)
    st.markdown(f"##### {plain(summary_sentence(view, embedding))}")
    explore_points(view, embedding, checkpoints, address)
    shift_place = st.empty()
    show_provenance(embedding, choice)
    offer_points(view, embedding)
    own: Address = {METHOD: embedding.method, COUNT: str(count)}
    link_to_page(EMBEDDINGS, "Link to this view", address | own)
    with shift_place:  # last, since it can take a moment
        show_shift(view, pair.off.checkpoint)


def choose_method(place: DeltaGenerator, pairs: list[RequestPair]) -> RequestPair:
    """Choose the method; initially the last one, which improves on those before it."""
    by_name = {name_of(DETECTOR_NAMES, pair.off.checkpoint.config.detector): pair for pair in pairs}
    if st.session_state.get(METHOD) not in by_name:
        st.session_state.pop(METHOD, None)
    chosen = place.selectbox("Embedding of", list(by_name), index=len(by_name) - 1, key=METHOD, bind="query-params")
    return by_name[chosen]


@st.fragment
def explore_points(view: View, embedding: Embedding, checkpoints: list[Checkpoint], address: Address) -> None:
    """Draw the panels, the distances and the gallery of the selected images."""
    plane = choose_plane(embedding)
    selected = draw_panels(view, embedding, plane)
    show_distances(view, embedding, plane)
    show_gallery(view, embedding, selected, checkpoints=checkpoints, address=address)


def show_shift(view: View, checkpoint: Checkpoint) -> None:
    """Show the shift scores of both domains, which need no labels, to compare them with the distances."""
    with reporting_errors("The shift score"):
        with st.spinner("Measuring the shift"):
            shifted, base = (shift_score_of(checkpoint, domain) for domain in (view.shifted, view.spec.in_distribution))
        if shifted is not None and base is not None:
            measured = "measured without labels in the teacher's features"
            words = f"{shifted:.1f} ({view.sides[0].lower()} {base:.1f}), {measured}"
        elif checkpoint.has_references:
            words = NO_SHIFT_SCORE
        else:
            return
        st.caption(f"Shift score {words}", help=SHIFT_SCORE_HELP)

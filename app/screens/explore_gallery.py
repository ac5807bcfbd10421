"""The gallery of Explore: images in the order of their scores, each beside its anomaly map."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from app.answers import Answer, DomainAnswer
from app.methods import DETECTOR_NAMES
from app.screens.colour_bar import draw_colour_bar
from app.screens.explore_picks import Seen, choose_between, choose_kind, pick_rows
from app.screens.explore_tiles import draw_tiles
from app.screens.links import Address, link_to_inspect
from app.sources import UNLABELLED
from app.words import LABEL_WORDS, name_of, percent
from gnl_core.metrics import exceedance

TILES = 16


@st.fragment
def gallery(
    answers: list[Answer],
    unmatched: list[Answer] | None,
    *,
    domains: tuple[str, str],
    sides: tuple[str, str],
    address: Address,
) -> None:
    """Sixteen images of one method and domain.

    Args:
        answers: The methods on the page.
        unmatched: The same methods without matching, if their scores are there.
        domains: Names of the in-distribution and of the shifted domain.
        sides: What they are called here.
        address: The view, for links to Inspect.
    """
    controls = st.container(horizontal=True, vertical_alignment="bottom")
    by_name = {found.question.checkpoint.config.detector: found for found in answers}
    method = choose_method(controls, list(by_name)) if len(by_name) > 1 else None
    side = controls.segmented_control("Domain", sides, default=sides[1], required=True, key="side", bind="query-params")
    found = by_name.get(method or "", answers[-1])
    seen = Seen(found, shifted=side == sides[1])
    matched = unmatched is not None and bool(found.question.scoring.style_weight)
    before = Seen(unmatched[answers.index(found)], shifted=seen.shifted) if unmatched and matched else None
    kind = choose_kind(controls, matched=matched)
    low, high = choose_between(controls, seen.scores)
    rows = pick_rows(seen, before, kind=kind)
    rows = rows[(seen.scores[rows] >= low) & (seen.scores[rows] <= high)]
    st.caption(f"{len(rows):,} of {len(seen.scores):,} images; {found.question.title}, {side.lower()}")
    try:
        with st.container(key="gallery"):
            link = partial(link_to_inspect, address, side=side)
            show_tiles(found, seen.domain, rows[:TILES], domain=domains[sides.index(side)], link=link)
    except (ValueError, OSError) as error:
        st.error(f"These images cannot be shown: {error}")


def choose_method(place: DeltaGenerator, detectors: list[str]) -> str | None:
    """The method whose images are shown; the last one, which improves on those before it, at first."""
    return place.segmented_control(
        "Gallery of",
        detectors,
        default=detectors[-1],
        required=True,
        format_func=lambda key: name_of(DETECTOR_NAMES, key),
        key="gallery_of",
    )


def show_tiles(
    found: Answer, domain_answer: DomainAnswer, rows: NDArray[np.intp], *, domain: str, link: Callable[..., None]
) -> None:
    """The tiles of some rows of the scores, each with a link that is given its number, and their colour scale."""
    scores = domain_answer.scores
    with st.spinner("Computing anomaly maps", show_time=True):
        drawn = draw_tiles(found, domain=domain, paths=tuple(str(path) for path in scores.path[rows]))
    grid = st.grid(columns=4, min_column_width=240, gap="small")
    for row, picture in zip(rows, drawn.pictures, strict=True):
        with grid.cell(), st.container(gap="xxsmall"):
            show_tile(picture, about=describe_row(found, domain_answer, row), link=partial(link, number=row + 1))
    explain_maps(drawn.upper)


class About(NamedTuple):
    """What is written about an image: below it, and for those who do not see it."""

    caption: str
    alternative: str


def describe_row(found: Answer, domain_answer: DomainAnswer, row: int) -> About:
    """What an image shows, its score, and the score's place among those of the training images."""
    scores = domain_answer.scores
    value, category = float(scores.score[row]), str(scores.category[row])
    place = percent(1 - exceedance(found.training.score, value))
    labelled = scores.label[row] != UNLABELLED
    shown = category.replace("_", " ") if labelled else PurePosixPath(str(scores.path[row])).name
    label = f", {LABEL_WORDS[int(scores.label[row])]}" if labelled else ""
    return About(
        f":small[{escape(shown)}{label} · **{value:.2f}** ({place})]",
        f"Image of {shown} and its anomaly map, score {value:.2f}",
    )


def show_tile(picture: str, *, about: About, link: Callable[[], None]) -> None:
    """One image beside its map, its caption, and the link."""
    st.image(picture, width="stretch", alt=about.alternative)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="xxsmall"):
        st.markdown(about.caption, width="content")
        link()


def escape(text: str) -> str:
    """A name as it is, whatever Markdown would make of it."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!~$:<>|])", r"\\\1", text)


def explain_maps(upper: float | None) -> None:
    """The colour bar of all maps with its numbers, if there are maps; and what the captions say."""
    place = "In brackets: the share of training images with a lower score."
    if upper is None:
        st.caption(f"This method gives scores only: it has no anomaly map. {place}")
        return
    draw_colour_bar(f"{upper:.2f}")
    st.caption(f"One scale for all maps: 99.5 % of the maps of normal training images stay below {upper:.2f}. {place}")

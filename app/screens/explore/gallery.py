"""The gallery of Explore: images ordered by score, each beside its anomaly map."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from app import query_keys as keys
from app.controls.links import INSPECT, Address, address_of_image, url_of
from app.controls.selection import unmark_bars
from app.display.gallery import draw_gallery
from app.display.unreadable import reporting_errors
from app.scoring import ScoringResult
from app.screens.explore.picks import BY_ADAPTING, BY_MATCHING, ScoredDomain, choose_between, choose_kind, pick_rows
from app.screens.explore.scales import choose_scale, explain_scale, upper_end
from app.screens.explore.tiles import draw_tiles
from app.words import percent
from gnl_core.datasets.base import UNLABELLED
from gnl_core.metrics.image import exceedance
from gnl_core.names import DETECTOR_NAMES, name_of
from gnl_core.plots.style import LABEL_NAMES

TILES = 16


@st.fragment
def gallery(
    results: list[ScoringResult],
    unmatched: list[ScoringResult] | None,
    *,
    domains: tuple[str, str],
    sides: tuple[str, str],
    address: Address,
) -> None:
    """Draw up to sixteen images of one domain as one method scores them.

    Args:
        results: The methods on the page.
        unmatched: The same methods without matching, if they are scored.
        domains: Names of the in-distribution and of the shifted domain.
        sides: Their labels on the page.
        address: The view, for links to Inspect.
    """
    controls = st.container(horizontal=True, vertical_alignment="bottom")
    by_name = {result.request.checkpoint.config.detector: result for result in results}
    method = choose_method(controls, list(by_name)) if len(by_name) > 1 else None
    side = controls.segmented_control(
        "Domain", sides, default=sides[1], required=True, key=keys.SIDE, bind="query-params", on_change=unmark_bars
    )
    result = by_name.get(method or "", results[-1])
    seen = ScoredDomain(result, shifted=side == sides[1])
    before, changes = find_before(seen, unmatched[results.index(result)] if unmatched else None)
    kind = choose_kind(controls, changes)
    low, high = choose_between(controls, seen.scores)
    scale = choose_scale(controls, seen)
    rows = pick_rows(seen, before, kind=kind)
    rows = rows[(seen.scores[rows] >= low) & (seen.scores[rows] <= high)]
    st.caption(f"{len(rows):,} of {len(seen.scores):,} images; {seen.title}, {side.lower()}")
    with reporting_errors("These images"), st.container(key="gallery"):
        link = partial(address_of_image, address, side=side)
        show_tiles(seen, rows[:TILES], domain=domains[sides.index(side)], scale=scale, link=link)


def find_before(seen: ScoredDomain, unmatched: ScoringResult | None) -> tuple[ScoredDomain | None, tuple[str, ...]]:
    """Return the domain before adapting or matching, if either was done, and the orders that compare with it.

    Args:
        seen: The scored domain.
        unmatched: The method's result without matching, if it is scored.
    """
    if seen.adapted:
        return ScoredDomain(seen.result.unadapted, shifted=True), BY_ADAPTING
    if unmatched and seen.result.request.scoring.style_weight:
        return ScoredDomain(unmatched, shifted=seen.shifted), BY_MATCHING
    return None, ()


def choose_method(place: DeltaGenerator, detectors: list[str]) -> str | None:
    """Choose the method of the gallery; initially the last one, which improves on those before it."""
    return place.segmented_control(
        "Gallery of",
        detectors,
        default=detectors[-1],
        required=True,
        format_func=lambda key: name_of(DETECTOR_NAMES, key),
        key="gallery_of",
        on_change=unmark_bars,
    )


def show_tiles(
    seen: ScoredDomain, rows: NDArray[np.intp], *, domain: str, scale: str, link: Callable[..., Address]
) -> None:
    """Draw the tiles of some rows of the scores, each a link to its image on Inspect, and the colour scale."""
    with st.spinner("Computing anomaly maps", show_time=True):
        paths = tuple(str(path) for path in seen.domain.scores.path[rows])
        upper = upper_end(seen, domain=domain, scale=scale)
        drawn = draw_tiles(seen, domain=domain, paths=paths, upper=upper)
    tiles = [
        describe_row(seen, row)
        | {"pictures": pictures, "address": url_of(INSPECT, link(number=int(seen.numbers[row])))}
        for row, pictures in zip(rows, drawn, strict=True)
    ]
    draw_gallery(tiles)
    explain_scale(upper, scale=scale, standardised=seen.standardised)


def describe_row(seen: ScoredDomain, row: int) -> dict[str, Any]:
    """Build an image's caption: category or file name, label, score, and rank among the training images.

    Standardised scores have another unit than the training images', so they have no rank.
    """
    scores = seen.domain.scores
    value, category, label = float(scores.score[row]), str(scores.category[row]), int(scores.label[row])
    is_labelled = label != UNLABELLED
    shown = category.replace("_", " ") if is_labelled else PurePosixPath(str(scores.path[row])).name
    return {
        "shown": shown,
        "label": LABEL_NAMES[label] if is_labelled else "",
        "score": f"{value:.2f}",
        "place": "" if seen.standardised else percent(1 - exceedance(seen.result.training.score, value)),
        "alternative": f"Image of {shown} and its anomaly map",
    }

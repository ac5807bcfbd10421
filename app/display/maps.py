"""An image, its anomaly maps and their common colour scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.controls.image import Chosen
from app.display.pictures import enlarge, picture_url, without_map
from app.image_scoring import STANDARDISED, ImageResult, kind_of
from app.methods import REVERSE_DISTILLATION
from app.seen import subject_as_seen
from app.subjects import Subject
from app.words import LABEL_WORDS, exact_percent, plain
from gnl_core.config import EVERYWHERE, RunConfig, ScoringConfig
from gnl_core.datasets.base import UNLABELLED
from gnl_core.metrics.map_scale import MAP_SCALE_QUANTILE
from gnl_core.names import DETECTOR_NAMES, name_of

if TYPE_CHECKING:
    pass


SIDE_PX = 256
TILE_LINE = 160  # grey value
REGION_COLOUR = (0, 158, 115)  # the pages' accent


KIND_NAMES = DETECTOR_NAMES | {REVERSE_DISTILLATION[0]: "reverse distillation"}


STANDARDISED_SCALE = (
    " That of standardised maps begins at what is usual at a position, and ends at the highest threshold."
)


OWN_SCALE = "Each kind of map has its own scale, because their values are not comparable."


def describe(chosen: Chosen) -> str:
    """Describe the image in Markdown: its content, its label and its domain."""
    subject = chosen.subject
    label = [] if subject.label == UNLABELLED else [LABEL_WORDS[subject.label]]
    return ", ".join([plain(subject.shown), *label, *([plain(chosen.place)] if chosen.place else [])])


def draw_image(subject: Subject) -> NDArray[np.uint8]:
    """Draw the image, with its mask outlined if it has one."""
    return outlined(enlarge(subject.image, side_px=SIDE_PX), subject)


def outlined(picture: NDArray[np.uint8], subject: Subject) -> NDArray[np.uint8]:
    """Outline the image's mask on a picture, if the image has one."""
    if subject.mask is None:
        return picture
    from gnl_core.plots.maps import outline  # noqa: PLC0415 (matplotlib takes a second to import)

    return outline(picture, enlarge(subject.mask, side_px=SIDE_PX))


def draw_map(subject: Subject, cell: ImageResult, *, opacity: float, revealed: float) -> NDArray[np.uint8]:
    """Overlay the map on the image as the detector sees it; for a method without maps, draw "scores only"."""
    if cell.image_score.anomaly_map is None:
        return without_map(side_px=SIDE_PX)
    from gnl_core.plots.maps import colour_map, overlay  # noqa: PLC0415 (as above)

    checkpoint, scoring = cell.request
    seen = subject_as_seen(subject, checkpoint.config)
    coloured = enlarge(colour_map(cell.image_score.anomaly_map, upper=cell.upper), side_px=SIDE_PX)
    covered = overlay(enlarge(seen.image, side_px=SIDE_PX), coloured, opacity=opacity, revealed=revealed)
    tiled = draw_tiles(covered, checkpoint.config)
    return outlined(outline_region(tiled, checkpoint.config, scoring, side_px=SIDE_PX), seen)


def draw_tiles(picture: NDArray[np.uint8], config: RunConfig) -> NDArray[np.uint8]:
    """Draw a grey line where each tile but the first begins, on a square picture of what a detector sees."""
    if config.tile_size is None:
        return picture
    from gnl_core.datasets.tiles import tiling_of  # noqa: PLC0415 (PyTorch takes seconds to import)

    tiling = tiling_of(config)
    assert tiling is not None, "the run has tiles"
    height, width = config.image_size
    side_px, lined = len(picture), picture.copy()
    lined[[top * side_px // height for top in tiling.tops[1:]]] = TILE_LINE
    lined[:, [left * side_px // width for left in tiling.lefts[1:]]] = TILE_LINE
    return lined


def outline_region(
    picture: NDArray[np.uint8], config: RunConfig, scoring: ScoringConfig, *, side_px: int
) -> NDArray[np.uint8]:
    """Outline the region of interest on a square picture of what a detector sees, if there is one."""
    if scoring.region_of_interest == EVERYWHERE:
        return picture
    from gnl_core.datasets.region import decode_region  # noqa: PLC0415 (PyTorch takes seconds to import)
    from gnl_core.plots.maps import outline  # noqa: PLC0415 (matplotlib takes a second to import)

    counted = decode_region(scoring.region_of_interest, config.image_size)[0, 0].numpy()
    return outline(picture, enlarge(counted, side_px=side_px), line=REGION_COLOUR)


def explain_scales(cells: Sequence[ImageResult], *, captions: str) -> None:
    """Draw the colour bar with its numbers, and explain them and the captions."""
    uppers = {kind_of(cell): cell.upper for cell in cells if cell.image_score.anomaly_map is not None}
    if not uppers:
        return
    named = [
        f"{upper:.2f}" if len(uppers) == 1 else f"{upper:.2f} ({name_of(KIND_NAMES, kind)})"
        for kind, upper in uppers.items()
    ]
    draw_colour_bar(" · ".join(named))
    st.caption(
        f"{captions} The scale is the same for all images: {exact_percent(MAP_SCALE_QUANTILE)} of the maps of "
        "normal training images stay below its upper end"
        + (". " + OWN_SCALE if len(uppers) > 1 else ", for the method with the highest maps.")
        + (STANDARDISED_SCALE if STANDARDISED in uppers else "")
    )


def draw_colour_bar(upper: str) -> None:
    """Draw the colour scale of a page's maps, labelled at both ends.

    Args:
        upper: The label of the upper end; the lower end is 0.
    """
    from gnl_core.plots.maps import colour_bar  # noqa: PLC0415 (matplotlib takes a second to import)

    bar = st.container(horizontal=True, vertical_alignment="center", gap="small")
    bar.caption("Anomaly map  0", width="content")
    colours = picture_url(colour_bar(width_px=160, height_px=10))
    bar.image(colours, width=160, alt="Colour scale from black to pale yellow")
    bar.caption(upper, width="content")

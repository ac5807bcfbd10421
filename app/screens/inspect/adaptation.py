"""What adapting did to an image: the way and its reason, a channel's map, and what is usual at each position."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st

from app.display.adaptation import describe_threshold, describe_ways
from app.display.maps import SIDE_PX
from app.display.pictures import enlarge, picture_url
from app.image_scoring import ImageResult
from app.methods import REVERSE_DISTILLATION
from app.screens.inspect.values import choose_channel, choose_stage
from app.sources import source_of
from app.subjects import Subject
from app.words import capitalised, plain
from gnl_core.runs.adapted_scores import TrayChoice

if TYPE_CHECKING:
    from app.adapted_image import AdaptedReasons, StageMaps, StandardisedMap

RING_PX = 9
SEEN = "This image is one of those adapted to, so its score is too low."
MAP_HELP = (
    "The map is estimated from all images adapted to, and is the same for every image. Each value of the channel, on "
    "the horizontal axis, becomes the one on the vertical axis; on the dotted line, nothing would change. Where each "
    "image is matched as well, this image's values leave the map."
)
POSITION_HELP = (
    "At each position, the median of the maps of the images adapted to is subtracted, and the rest is divided by their "
    "robust standard deviation. What is usual at a position becomes 0."
)


class AdaptedTo(NamedTuple):
    """A domain, and which of its images the methods are adapted to."""

    domain: str
    choice: TrayChoice


def show_adaptation(subject: Subject, cell: ImageResult, adaptation: AdaptedTo) -> None:
    """Show what adapting did to the image.

    Raises:
        ValueError: If it cannot be computed; the message says why.
    """
    found = cell.adapted
    if found is None:
        return
    if found.seen:
        st.warning(SEEN)
    st.markdown(f"**{capitalised(describe_ways(found.ways))}.**")
    st.caption(f"Threshold {found.threshold.value:.3f}: {describe_threshold(found.threshold)}.")
    if found.warning:
        st.warning(plain(capitalised(found.warning)))
    if cell.request.checkpoint.config.detector not in REVERSE_DISTILLATION:
        return
    explanation = explain(subject, cell, adaptation)
    if explanation.stages:
        show_channel_map(explanation.stages)
    if explanation.standardised is not None:
        show_positions(explanation.standardised, cell, count=adaptation.choice.size)


def explain(subject: Subject, cell: ImageResult, adaptation: AdaptedTo) -> AdaptedReasons:
    """Compute what adapting did, with a spinner."""
    from app.adapted_image import adapted_reasons  # noqa: PLC0415 (PyTorch takes seconds to import)

    checkpoint, scoring = cell.request
    with st.spinner("Analysing the adaptation", show_time=True):
        return adapted_reasons(
            source_of(checkpoint), subject, scoring, domain=adaptation.domain, choice=adaptation.choice
        )


def show_channel_map(stages: list[StageMaps]) -> None:
    """Choose a stage and a channel, and draw its map beside the identity."""
    from gnl_core.plots.channel_map import channel_map_curve  # noqa: PLC0415 (Plotly takes a second to import)

    st.markdown("**Map of a channel**", help=MAP_HELP)
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    number = choose_stage(row, count=len(stages))
    stage = stages[number - 1]
    channel = choose_channel(row, count=len(stage.before), farthest=stage.farthest)
    before, after = stage.before[channel], stage.after[channel]
    st.plotly_chart(
        channel_map_curve(stage.places[channel], stage.mapped[channel], before=before, after=after),
        key="channel_map",
        config={"displayModeBar": False},
        alt=f"Map of stage {number}, channel {channel + 1}, beside the identity",
    )
    st.caption(f"Mean of this image's values: {before.mean():.3f} → {after.mean():.3f}.".replace("-", "−"))


def show_positions(maps: StandardisedMap, cell: ImageResult, *, count: int) -> None:
    """Draw the map before it is standardised, what is usual at each position, and the division at the map's maximum."""
    from gnl_core.plots.maps import colour_map, ring  # noqa: PLC0415 (matplotlib takes a second to import)

    after = cell.image_score.anomaly_map
    if after is None:
        return
    st.markdown("**What is usual at each position**", help=POSITION_HELP)
    peak = np.unravel_index(int(after.argmax()), after.shape)
    row, column = (round((int(at) + 0.5) * SIDE_PX / side) for at, side in zip(peak, after.shape, strict=True))
    value, median, deviation = (float(part[peak]) for part in maps)
    upper, widest = float(maps.median.max()), float(maps.deviation.max())
    pictures = {
        "Map before": (maps.before, upper, value),
        f"Median of {count} images": (maps.median, upper, median),
        "Deviation": (maps.deviation, widest, deviation),
    }
    for place, (name, (part, end, at_peak)) in zip(st.columns(len(pictures)), pictures.items(), strict=True):
        picture = enlarge(colour_map(part, upper=end), side_px=SIDE_PX)
        place.image(
            picture_url(ring(picture, row=row, column=column, radius_px=RING_PX)),
            width="stretch",
            alt=f"{name}, {at_peak:.3f} at the maximum of the standardised map",
        )
        place.markdown(f"{name} :small[{at_peak:.3f}]")
    st.caption(
        f"At the ring, the maximum of the standardised map: ({value:.3f} − {median:.3f}) / {deviation:.3f} = "
        f"{float(after[peak]):.2f}. Map and median share one scale, 0 to {upper:.2f}; that of the deviation ends at "
        f"{widest:.2f}."
    )

"""The reasons for a method's score: stages, values, references, and the nearest training images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.controls.adaptation import forget_unless
from app.display.maps import SIDE_PX
from app.display.pictures import enlarge, picture_url
from app.display.unreadable import reporting_errors
from app.image_scoring import ImageResult, ResultPair
from app.methods import REVERSE_DISTILLATION
from app.screens.inspect.adaptation import AdaptedTo, show_adaptation
from app.screens.inspect.position import show_position
from app.screens.inspect.tiles import Tile, choose_tile
from app.screens.inspect.values import show_moments, show_values
from app.sources import source_of
from app.subjects import Subject
from app.words import counted, percent
from gnl_core.names import DETECTOR_NAMES, name_of

if TYPE_CHECKING:
    from app.inspection import Reasons

NEAREST = 4
RING_PX = 9
STAGES_HELP = (
    "The anomaly map is the sum of these three, before any smoothing. The ring marks the pixel where the sum is "
    "largest; below each stage is its contribution there."
)
SINGLES_HELP = (
    "Matching takes its reference from a few training images that the checkpoint stores. Each dot is the score of this "
    "image with a single training image as the reference: the wider the dots spread, the less a single reference can "
    "be trusted."
)
NEAREST_HELP = "By the distance between the teacher's features of the whole images, without matching."


def show_reasons(
    subject: Subject,
    rows: list[ResultPair],
    adaptation: AdaptedTo | None,
    *,
    places: tuple[DeltaGenerator, DeltaGenerator],
) -> None:
    """Show the reasons for one of the scores; initially the last one.

    Args:
        subject: The image.
        rows: The methods' results, at least one.
        adaptation: What the methods are adapted to; None if they are not.
        places: The containers below the maps and beside them.
    """
    left, right = places
    cells = {cell.name: cell for row in rows for cell in row.cells}
    forget_unless("why", tuple(cells))
    with right:
        chosen = st.segmented_control(
            "Why this score", list(cells), default=list(cells)[-1], required=True, key="why", bind="query-params"
        )
    cell = cells.get(chosen or "") or list(cells.values())[-1]
    detector = cell.request.checkpoint.config.detector
    with right, reporting_errors("The reasons"):
        if cell.adapted and adaptation:
            show_adaptation(subject, cell, adaptation)
            with left:
                show_nearest(subject, cell)
        elif detector in REVERSE_DISTILLATION:
            show_stage_reasons(subject, cell, off=next(row.off for row in rows if cell in row.cells), places=places)
        else:
            st.info(
                f"{name_of(DETECTOR_NAMES, detector)} has no student, so its score cannot be split into stages. "
                "Choose a reverse-distillation method, such as RD4AD or GNL."
            )


def show_stage_reasons(
    subject: Subject, cell: ImageResult, *, off: ImageResult, places: tuple[DeltaGenerator, DeltaGenerator]
) -> None:
    """Show the reasons for a score that consists of stages; for the places, see `show_reasons`."""
    left, right = places
    with right:
        tile = choose_tile(cell)
        explanation = explain(subject, cell, tile)
        show_stages(explanation, upper=cell.upper)
        show_values(explanation)
        show_singles(explanation, cell, off=off)
    with left:
        show_nearest(subject, cell, tile)
        show_moments(explanation)
        show_position(subject, cell, explanation, tile)


def explain(subject: Subject, cell: ImageResult, tile: Tile | None) -> Reasons:
    """Compute the reasons for the score of an image or of one of its tiles, with a spinner."""
    from app.inspection import reasons  # noqa: PLC0415 (PyTorch takes seconds to import)

    with st.spinner("Analysing the score", show_time=True):
        return reasons(source_of(cell.request.checkpoint), subject, cell.request.scoring, tile and tile.position)


def show_stages(explanation: Reasons, *, upper: float) -> None:
    """Draw the three stage maps on one scale, a third of the whole map's, with their contributions to its maximum."""
    from gnl_core.plots.maps import colour_map, ring  # noqa: PLC0415 (matplotlib takes a second to import)

    total = sum(stage.at_peak for stage in explanation.stages)
    share = upper / len(explanation.stages)
    st.markdown(
        f"**Stages**: {' + '.join(f'{s.at_peak:.3f}' for s in explanation.stages)} = {total:.3f}", help=STAGES_HELP
    )
    for number, (place, stage) in enumerate(
        zip(st.columns(len(explanation.stages)), explanation.stages, strict=True), start=1
    ):
        height, width = stage.distances.shape
        row, column = (
            round((at + 0.5) * SIDE_PX / side) for at, side in zip(explanation.peak, (height, width), strict=True)
        )
        picture = enlarge(colour_map(stage.distances, upper=share), side_px=SIDE_PX)
        place.image(
            picture_url(ring(picture, row=row, column=column, radius_px=RING_PX)),
            width="stretch",
            alt=f"Distances of stage {number}, {stage.at_peak:.3f} at the maximum's pixel",
        )
        place.markdown(f"Stage {number} :small[{stage.at_peak:.3f}, {percent(stage.at_peak / total if total else 0)}]")
    st.caption(f"The three share one scale: 0 to {share:.2f}, a third of the whole map's.")


def show_singles(explanation: Reasons, cell: ImageResult, *, off: ImageResult) -> None:
    """Draw the score with each of several training images, or tiles of them, as the only reference."""
    from gnl_core.plots.values import reference_strip  # noqa: PLC0415 (as above)

    if not len(explanation.singles):
        st.caption("This checkpoint stores no references.")
        return
    tiled = explanation.tile_scores is not None
    kind = f"training {'tile' if tiled else 'image'}" if explanation.others else "stored reference"
    st.markdown(f"**With each of {counted(len(explanation.singles), kind)} as the only reference**", help=SINGLES_HELP)
    if not cell.request.scoring.style_weight:
        st.caption("FDM is off for this score, so it does not depend on any reference.")
        return
    score, unmatched = explanation.tile_scores or (cell.image_score.score, off.image_score.score)
    low, mean, high = explanation.singles.min(), explanation.singles.mean(), explanation.singles.max()
    st.plotly_chart(
        reference_strip(explanation.singles, together=score, off=unmatched),
        key="singles",
        config={"displayModeBar": False},
        alt=f"Scores with single references from {low:.3f} to {high:.3f}, mean {mean:.3f}",
    )
    st.caption(f"{low:.3f} to {high:.3f}, mean {mean:.3f}; this {'tile' if tiled else 'score'} {score:.3f}.")


def show_nearest(subject: Subject, cell: ImageResult, tile: Tile | None = None) -> None:
    """Show the training images, or tiles, whose teacher features are nearest, for the methods that show stages."""
    if cell.request.checkpoint.config.detector not in REVERSE_DISTILLATION:
        return
    from app.screens.inspect.nearest import nearest_training  # noqa: PLC0415 (as above)

    kind = "image" if tile is None else "tile"
    st.markdown(f"**Nearest training {kind}s**", help=NEAREST_HELP)
    with st.spinner("Comparing with the training images", show_time=True):
        nearest = nearest_training(source_of(cell.request.checkpoint), subject, tile and tile.position, count=NEAREST)
    for place, neighbour in zip(st.columns(NEAREST), nearest, strict=False):
        place.image(
            picture_url(enlarge(neighbour.image)),
            width="stretch",
            alt=f"Training {kind} at distance {neighbour.distance:.2f}",
        )
        place.caption(f"{neighbour.distance:.2f}")

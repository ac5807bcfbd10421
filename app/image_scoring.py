"""Images under each method, without matching and with it, on shared colour scales."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from app.methods import DETECTOR_NAMES, REVERSE_DISTILLATION
from app.scoring import ScoringRequest, map_scale, scores_of_each
from app.sources import source_of
from app.subjects import Subject
from app.words import name_of
from gnl_core.metrics.image import exceedance
from gnl_core.records import Scores
from gnl_core.runs.domains import TRAIN

if TYPE_CHECKING:
    from app.inspection import ImageScore


class RequestPair(NamedTuple):
    """One method as it is asked.

    Attributes:
        off: Without matching.
        on: With it; None for a method that cannot match.
    """

    off: ScoringRequest
    on: ScoringRequest | None

    @property
    def requests(self) -> list[ScoringRequest]:
        """Those that there are."""
        return [request for request in self if request is not None]


class ImageResult(NamedTuple):
    """One method's answer for an image.

    Attributes:
        request: What was asked.
        seen: Score and map.
        place: Share of the training images with a lower score.
        n_training: Number of these images.
        upper: Upper end of the colour scale.
    """

    request: ScoringRequest
    seen: ImageScore
    place: float
    n_training: int
    upper: float

    @property
    def name(self) -> str:
        """Method and matching, the same at every strength."""
        method = name_of(DETECTOR_NAMES, self.request.checkpoint.config.detector)
        return f"{method}, FDM {'on' if self.request.scoring.style_weight else 'off'}"


class ResultPair(NamedTuple):
    """One method's answers, without matching and with it."""

    off: ImageResult
    on: ImageResult | None

    @property
    def cells(self) -> Iterator[ImageResult]:
        """Those that there are."""
        yield from (cell for cell in self if cell is not None)

    @property
    def asked(self) -> RequestPair:
        """The method as it was asked."""
        return RequestPair(self.off.request, None if self.on is None else self.on.request)


def score_images(rows: Sequence[RequestPair], subjects: Sequence[Subject]) -> list[list[ResultPair]]:
    """What each method says of the images, a list each; one that cannot answer is left out, and a sentence says why."""
    found = []
    with st.spinner("Looking at the images" if len(subjects) > 1 else "Looking at the image", show_time=True):
        for row in rows:
            try:
                found.append(score_with_method(row, subjects))
            except (ValueError, OSError) as error:
                st.error(f"{name_of(DETECTOR_NAMES, row.off.checkpoint.config.detector)} is left out: {error}")
    scaled = iter(on_shared_scales([seen for column in found for seen in column]))
    return [[next(scaled) for _ in column] for column in found]


def score_with_method(row: RequestPair, subjects: Sequence[Subject]) -> list[ResultPair]:
    """One method's answers for images, each on the colour scale of its own training images.

    Raises:
        ValueError: If the checkpoint cannot be used; says why.
    """
    from app.inspection import score_each_image  # noqa: PLC0415 (PyTorch takes seconds to import)

    requests = row.requests
    trainings = scores_of_each(requests, TRAIN)
    results = score_each_image(source_of(row.off.checkpoint), subjects, [request.scoring for request in requests])
    cells = [
        [compare_with_training(request, found, training) for found in column]
        for request, column, training in zip(requests, results, trainings, strict=True)
    ]
    return [ResultPair(own[0], own[1] if len(own) > 1 else None) for own in zip(*cells, strict=True)]


def compare_with_training(request: ScoringRequest, found: ImageScore, training: Scores) -> ImageResult:
    """An answer beside those for the training images."""
    upper = 1.0 if found.anomaly_map is None else map_scale(request, training)
    return ImageResult(request, found, 1 - exceedance(training.score, found.score), len(training.score), upper)


def on_shared_scales(rows: Sequence[ResultPair]) -> list[ResultPair]:
    """The largest scale for all of reverse distillation, whose maps are one measure; for others, the method's larger.

    No scale depends on the image that is looked at.
    """
    uppers: dict[str, float] = {}
    for row in rows:
        for cell in row.cells:
            kind = kind_of(cell)
            uppers[kind] = max(cell.upper, uppers.get(kind, 0.0))
    return [ResultPair(rescale(row.off, uppers), row.on and rescale(row.on, uppers)) for row in rows]


def rescale(cell: ImageResult, uppers: dict[str, float]) -> ImageResult:
    """A cell on the scale of its kind."""
    return cell._replace(upper=uppers[kind_of(cell)])


def kind_of(cell: ImageResult) -> str:
    """What a cell's map can be compared with."""
    detector = cell.request.checkpoint.config.detector
    return REVERSE_DISTILLATION[0] if detector in REVERSE_DISTILLATION else detector

"""Computations of the page Embeddings. Imports PyTorch: import it only after drawing the choices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.compute import keep, run_of, shared_fit
from app.progress import Work, stop_if_cancelled, track_progress
from app.server import rules
from app.sources import Source, images_key, scores_key
from app.turns import take_turn
from gnl_core.adaptation.choice import Ways
from gnl_core.config import ScoringConfig
from gnl_core.datasets.base import Item
from gnl_core.datasets.drawing import draw_per_label
from gnl_core.detectors.base import Detector
from gnl_core.metrics.embedding import Group
from gnl_core.runs.adapted_domains import TRAY_SEED
from gnl_core.runs.adapted_scores import TrayChoice
from gnl_core.runs.images import list_domain
from gnl_core.runs.scoring import Run, scoring_batches
from gnl_core.runs.trays import draw_tray
from gnl_core.scoring import embed

SAMPLE_SEED = 0  # of the images drawn


class Part(NamedTuple):
    """Images of one domain, and the state of the detector that places them in its embedding.

    Attributes:
        domain: The domain.
        scoring: The scoring settings, of which matching has an effect.
        most: Largest number of images of a label.
        tray: The images that are left out because the detector is adapted to them; None to leave out none.
        adapted: Whether it is adapted to them here.
    """

    domain: str
    scoring: ScoringConfig
    most: int
    tray: TrayChoice | None = None
    adapted: bool = False


class Placed(NamedTuple):
    """Where the images of a part lie.

    Attributes:
        group: Their points and labels.
        numbers: Their numbers in the domain, from 1, shape (n,).
        paths: Their paths.
        categories: Their categories.
    """

    group: Group
    numbers: NDArray[np.intp]
    paths: tuple[str, ...]
    categories: tuple[str, ...]


@st.cache_resource(show_spinner=False)
def kept_parts() -> dict[tuple[str, ...], Placed]:
    """Return the parts placed so far, shared by all sessions."""
    return {}


def part_key(source: Source, part: Part) -> tuple[str, ...]:
    """Identify the points of a part uniquely."""
    own = (part.most, part.tray, part.adapted)
    return (*scores_key(source, domain=part.domain, scoring=part.scoring), *map(str, own))


def place_parts(source: Source, parts: Sequence[Part], *, title: str) -> list[Placed]:
    """Place the images of several parts in a detector's embedding with a progress bar, and keep the results.

    Args:
        source: The checkpoint and its images.
        parts: The parts; equal ones are placed once.
        title: Label of the bar.

    Raises:
        ValueError: If the checkpoint cannot be used, an image cannot be read, or a limit of the server is exceeded; the
            message says why.
    """
    by_key = {part_key(source, part): part for part in parts}
    for key in by_key.keys() - kept_parts().keys():
        stop_if_cancelled(key, title=title)
    with take_turn(images_key(source, domain=parts[-1].domain), title=title):
        placed = {key: kept for key in by_key if (kept := kept_parts().get(key)) is not None}
        missing = {key: part for key, part in by_key.items() if key not in placed}
        placed |= place_missing(source, missing, title=title)
    return [placed[part_key(source, part)] for part in parts]


def place_missing(
    source: Source, missing: Mapping[tuple[str, ...], Part], *, title: str
) -> dict[tuple[str, ...], Placed]:
    """Place the images of parts that are not placed yet, one part after the other; see `place_parts`."""
    if not missing:
        return {}
    run = run_of(source)
    samples = {key: draw_sample(run, part) for key, part in missing.items()}
    left = sum(len(items) for items, _ in samples.values())
    rules.count_computation(left)
    placed, done = {}, 0
    for key, (items, numbers) in samples.items():
        left -= len(items)
        detector, batches = detector_of(source, missing[key]), scoring_batches(items, run.config)
        tracked = track_progress(batches, title=title, work=Work(done, left), key=key)
        points = embed(detector, tracked, missing[key].scoring)
        done += len(items)
        labels = np.array([item.label for item in items])
        paths, categories = tuple(item.path for item in items), tuple(item.category for item in items)
        placed[key] = Placed(Group(points, labels), numbers, paths, categories)
        keep(kept_parts(), key, placed[key])
    return placed


def draw_sample(run: Run, part: Part) -> tuple[list[Item], NDArray[np.intp]]:
    """Draw a part's images, and return them with their numbers in the domain, from 1.

    Raises:
        ValueError: If the domain has no images, or too few for its tray.
    """
    items = list_domain(run.config, part.domain)
    left_out: set[str] = set()
    if part.tray is not None:
        size, known_normal = part.tray
        tray = draw_tray(items, count=size, seed=TRAY_SEED, known_normal=known_normal)
        left_out = {item.path for item in tray.items}
    usable = np.array([position for position, item in enumerate(items) if item.path not in left_out], dtype=np.intp)
    if not len(usable):
        raise ValueError(f"{part.domain} has no images; choose another domain or data set")
    labels = np.array([items[position].label for position in usable])
    drawn = usable[draw_per_label(labels, count=part.most, seed=SAMPLE_SEED)]
    return [items[position] for position in drawn], drawn + 1


def detector_of(source: Source, part: Part) -> Detector:
    """Return the detector in the state of a part."""
    detector = run_of(source).detector
    if not part.adapted or part.tray is None:
        return detector
    found = shared_fit(source, domain=part.domain, scoring=part.scoring, choice=part.tray)
    return detector.adapted(found.fit.adaptation)


def ways_of(source: Source, part: Part) -> Ways:
    """Return how the detector of an adapted part is adapted."""
    if part.tray is None:
        raise ValueError("this part is not adapted; choose the images to adapt to")
    return shared_fit(source, domain=part.domain, scoring=part.scoring, choice=part.tray).fit.ways

"""Computations of Learn's steps with a detector. Imports PyTorch: import it only after drawing the rest of a step."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import streamlit as st
import torch
from numpy.typing import NDArray
from torch import Tensor

from app.compute import run_of
from app.inspection import HASHED, as_input, explained
from app.sources import Source
from app.subjects import Subject
from gnl_core.cells import CellGrid
from gnl_core.config import ScoringConfig
from gnl_core.datasets.views import make_view
from gnl_core.explanation import ViewDistances, view_distances
from gnl_core.models.bottleneck import map_size

Pixels = NDArray[np.uint8]


class Encoded(NamedTuple):
    """A network's maps of one image, each of shape (C, H, W).

    Attributes:
        image: The teacher's input.
        teacher: The stages, from the low-level one to the abstract one.
        embedding: The output of the bottleneck.
        student: The reconstructed stages.
        grids: The positions of each stage's cells on the image.
    """

    image: NDArray[np.float32]
    teacher: list[NDArray[np.float32]]
    embedding: NDArray[np.float32]
    student: list[NDArray[np.float32]]
    grids: tuple[CellGrid, ...]


class Views(NamedTuple):
    """An image and its views, RGB at the detector's size, and the views' distances from it by two runs.

    Attributes:
        pictures: The original, then its views, by name.
        distances: For each run, the distances of the views, in order.
    """

    pictures: dict[str, Pixels]
    distances: list[list[ViewDistances]]


@st.cache_resource(max_entries=16, show_spinner=False, hash_funcs=HASHED)
def encoded(source: Source, subject: Subject, scoring: ScoringConfig) -> Encoded:
    """Compute a network's maps of an image. The cached result must not be modified.

    Raises:
        ValueError: If the checkpoint cannot be used; the message says why.
    """
    run = run_of(source)
    image = as_input(run, subject)
    detector = explained(run)
    with torch.inference_mode():
        features = detector.features(image[None].to(detector.device), scoring)
    return Encoded(
        image=image.numpy(),
        teacher=[stage[0].cpu().numpy() for stage in features.teacher],
        embedding=features.embedding[0].cpu().numpy(),
        student=[stage[0].cpu().numpy() for stage in features.student],
        grids=detector.network.teacher.cell_grids(map_size(image)),
    )


@st.cache_resource(max_entries=16, show_spinner=False, hash_funcs=HASHED)
def views(
    sources: tuple[Source, ...], subject: Subject, shifted: Subject, *, seed: int, operations: tuple[str, ...]
) -> Views:
    """Build an image's views and the same scene under the real shift, and measure their distances by each run.

    Args:
        sources: The runs, all with the same image size.
        subject: The image.
        shifted: The same scene in the shifted domain.
        seed: The seed of AugMix.
        operations: The operations that AugMix chooses from.

    Raises:
        ValueError: If a checkpoint cannot be used; the message says why.
    """
    runs = [run_of(source) for source in sources]
    original = as_input(runs[0], subject)
    made = {
        name: make_view(key, original, generator=np.random.default_rng(seed), operations=operations)
        for name, key in (("AugMix", "augmix"), ("grayscale", "grayscale"))
    } | {"the real shift": as_input(runs[0], shifted)}
    stacked = torch.stack(list(made.values()))
    return Views(
        pictures={name: as_pixels(picture) for name, picture in ({"original": original} | made).items()},
        distances=[
            view_distances(explained(run), original.to(run.detector.device), stacked.to(run.detector.device))
            for run in runs
        ],
    )


def as_pixels(image: Tensor) -> Pixels:
    """Convert RGB in [0, 1], shape (3, H, W), to 8-bit pixels, shape (H, W, 3)."""
    return (255 * image.clamp(0, 1)).round().byte().permute(1, 2, 0).numpy()

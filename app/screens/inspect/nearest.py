"""The training images that are nearest to an image. Imports PyTorch, as app.inspection."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import streamlit as st
import torch

from app.compute import run_of
from app.inspection import HASHED, cut_out, explained
from app.sources import Source
from app.subjects import Subject, as_item
from gnl_core.config import RunConfig
from gnl_core.datasets.base import Image
from gnl_core.datasets.loading import Batches
from gnl_core.explanation import pooled_features
from gnl_core.neighbours import neighbours
from gnl_core.runs.images import split_training
from gnl_core.runs.scoring import input_batches, scoring_batches

COMPARED_IMAGES = 256  # training images, or tiles of them


class Neighbour(NamedTuple):
    """A training image and its distance, in the teacher's pooled features."""

    image: Image
    distance: float


@st.cache_resource(max_entries=4, show_spinner=False)
def training_features(source: Source) -> torch.Tensor:
    """Compute the teacher's pooled features of what is compared, one row each. Do not modify the result."""
    run = run_of(source)
    return pooled_features(explained(run), compared_batches(run.config))


def compared_batches(config: RunConfig) -> Batches:
    """Batch the training images searched for the nearest ones, or tiles of them, drawn at random."""
    batches = input_batches(split_training(config)[0], config)
    items = batches.items
    if config.tile_size is not None:  # the first tiles are all of a few images
        drawn = np.random.default_rng(config.seed).permutation(len(items))[:COMPARED_IMAGES]
        items = [items[place] for place in sorted(drawn)]  # in order, so that each image is decoded once
    return replace(batches, items=items[:COMPARED_IMAGES])


@st.cache_data(max_entries=64, show_spinner=False, hash_funcs=HASHED)
def nearest_training(source: Source, subject: Subject, tile: int | None = None, *, count: int) -> list[Neighbour]:
    """Find the training images whose pooled features are nearest to an image's, nearest first; for a tile, tiles.

    Raises:
        ValueError: If the checkpoint cannot be used, or an image cannot be read; the message says why.
    """
    run = run_of(source)
    (batch,) = scoring_batches([as_item(subject)], run.config)
    shown = replace(batch, views={"original": cut_out(batch.views["original"], run, tile)})
    query = pooled_features(explained(run), [shown])
    distances, rows = neighbours(query, training_features(source), count=count)
    items = compared_batches(run.config).items
    return [
        Neighbour(items[row].read(), distance)
        for row, distance in zip(rows[0].tolist(), distances[0].tolist(), strict=True)
    ]

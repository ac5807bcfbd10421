"""Score one image, and draw its anomaly map."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from gnl_core.api.adapting import saved_adaptation
from gnl_core.api.results import AdaptationResult
from gnl_core.api.scoring import check_scoring, prepare_scoring
from gnl_core.config import ScoringConfig
from gnl_core.datasets.base import Item
from gnl_core.datasets.images import read_image
from gnl_core.plots.maps import colour_map
from gnl_core.records import Detection
from gnl_core.runs import scoring as run_scoring
from gnl_core.runs.adapting import adapted_scale
from gnl_core.runs.scoring import Run, scoring_batches
from gnl_core.scoring import detect

AnyImage = Item | str | Path | NDArray[np.uint8] | PIL.Image.Image


def score_image(
    run: Run,
    image: AnyImage,
    *,
    adaptation: AdaptationResult | str | Path | None = None,
    **scoring: Any,
) -> float:
    """Score one image; for the arguments, see `show_map`.

    Returns:
        The score; the higher, the more anomalous.

    Raises:
        ValueError: If a setting is invalid, the image cannot be read, or the adaptation is of another run.
    """
    saved = None if adaptation is None else saved_adaptation(run, adaptation)
    return float(detect_image(*prepare_scoring(run, saved, scoring), image).score[0])


def show_map(
    run: Run,
    image: AnyImage,
    *,
    upper: float | None = None,
    adaptation: AdaptationResult | str | Path | None = None,
    **scoring: Any,
) -> PIL.Image.Image:
    """Draw the anomaly map of one image, dark for normal and bright for anomalous, on the run's own colour scale.

    Args:
        run: A trained run.
        image: One of `images`, an image file, or RGB pixels of shape (H, W, 3) as uint8.
        upper: The value of the brightest colour; unset: `map_scale`, for which all training images are scored, or the
            scale of the adaptation. To draw several maps, compute it once.
        adaptation: What `adapt` returned for this run, or its file, as in `score`.
        scoring: Fields of `ScoringConfig`, such as style_weight; unset fields are the run's own.

    Returns:
        RGB, at the run's image size.

    Raises:
        ValueError: If a setting is invalid, the image cannot be read, the method makes no maps, or the adaptation is of
            another run.
    """
    saved = None if adaptation is None else saved_adaptation(run, adaptation)
    prepared, checked = prepare_scoring(run, saved, scoring)
    maps = detect_image(prepared, checked, image).anomaly_map
    if maps is None:
        raise ValueError(f"{run.config.detector} gives scores and no maps; use a method with maps, such as gnl")
    if upper is None:
        upper = run_scoring.map_scale(run, checked) if saved is None else adapted_scale(saved)
    return PIL.Image.fromarray(colour_map(maps[0, 0].numpy(), upper=upper))


def map_scale(run: Run, **scoring: Any) -> float:
    """Measure the upper end of the colour scale of maps: 99.5 % of the training images' maxima do not exceed it.

    Args:
        run: A trained run.
        scoring: Fields of `ScoringConfig`, such as style_weight; unset fields are the run's own.

    Raises:
        ValueError: If the method makes no maps, or the training images are missing.
    """
    return run_scoring.map_scale(run, check_scoring(run, scoring))


def detect_image(run: Run, scoring: ScoringConfig, image: AnyImage) -> Detection:
    """Compute score and map of one image, read as by `as_item`."""
    ((_, detection),) = detect(run.detector, scoring_batches([as_item(image)], run.config), scoring)
    return detection


def as_item(image: AnyImage) -> Item:
    """Convert an image to an unlabelled item of a data set.

    Raises:
        ValueError: If its pixels are not 8-bit RGB.
    """
    if isinstance(image, Item):
        return image
    if isinstance(image, str | Path):
        path = Path(image)
        return Item(str(image), lambda: read_image(path), label=-1, domain="", category="")
    pixels = np.asarray(image)
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[-1] != 3:
        raise ValueError(
            f"the image has shape {pixels.shape} and type {pixels.dtype}; pass RGB pixels of shape (H, W, 3) as uint8, "
            "such as Image.open(path).convert('RGB')"
        )
    return Item("image", lambda: pixels, label=-1, domain="", category="")

"""Measure how far the scores and maps of exported graphs differ from our own, for every method that can be exported.

    OMP_NUM_THREADS=1 python -m benchmarks.exports

Trains each method briefly on scikit-learn's digits (4 is normal, 64 px, seed 0), exports it, and runs both on images of
digits and digits_m, spread evenly over each domain. Prints a Markdown table of the largest differences. The relative
difference of a score is divided by our score, that of a map by the largest value of our map of the same image.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from gnl_core.config import RunConfig, ScoringConfig, parse_config, scoring_settings
from gnl_core.detectors.base import Detector
from gnl_core.export import EXPORTABLE, export_onnx
from gnl_core.runs.images import list_domain
from gnl_core.runs.scoring import scoring_batches
from gnl_core.runs.training import prepare_training
from gnl_core.training import fit

TASK = {"dataset": "digits", "normal_class": "4", "image_size": 64, "epochs": 3, "limit": 40, "device": "cpu"}
DOMAINS = ("digits", "digits_m")
STRENGTHS = {"0": (0.0,), "0.5 and 1": (0.5, 1.0)}  # one row of the table each


class Differences(NamedTuple):
    """The largest differences over some images; those of maps are NaN for a method without maps."""

    score: float
    score_relative: float
    map: float
    map_relative: float


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--detector", nargs="+", choices=EXPORTABLE, default=EXPORTABLE)
    parser.add_argument("--images", type=int, default=100, help="images per domain (default: 100)")
    parsed = parser.parse_args()
    print("| method | α | scores | scores, relative | maps | maps, relative |\n|---|---|---|---|---|---|")
    for name in parsed.detector:
        for row in measure(parse_config(TASK | {"detector": name}), count=parsed.images):
            print("| " + " | ".join(row) + " |", flush=True)


def measure(config: RunConfig, *, count: int) -> Iterator[tuple[str, ...]]:
    """Yield one row of the table for each of STRENGTHS that the method's graph accepts."""
    detector, batches = prepare_training(config)
    list(fit(detector, batches, epochs=config.epochs, learning_rate=config.learning_rate))
    detector.eval()
    session = open_session(detector, config)
    images = torch.cat([spread_images(config, domain, count=count) for domain in DOMAINS])
    for label, strengths in STRENGTHS.items():
        if detector.matches or label == "0":
            scorings = [scoring_settings(config, style_weight=strength) for strength in strengths]
            by_scoring = [differences(detector, session, images, scoring) for scoring in scorings]
            largest = np.max(by_scoring, axis=0)
            yield config.detector, label, *("" if np.isnan(value) else f"{value:.1e}" for value in largest)


def spread_images(config: RunConfig, domain: str, *, count: int) -> Tensor:
    """Read at most `count` evenly spaced images of a domain, shape (B, 3, H, W)."""
    items = list_domain(config, domain)
    chosen = items[:: -(-len(items) // count)]
    return torch.cat([batch.views["original"] for batch in scoring_batches(chosen, config)])


def open_session(detector: Detector, config: RunConfig) -> Any:
    """Open the exported graph in ONNX Runtime, on one thread."""
    import onnxruntime  # noqa: PLC0415 (an extra)

    content = export_onnx(detector, config, name=config.detector, image_size=config.image_size, facts={})
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options)


def differences(detector: Detector, session: Any, images: Tensor, scoring: ScoringConfig) -> Differences:
    """Compare the graph's scores and maps of some images with ours.

    Args:
        detector: Trained, in evaluation mode.
        session: Its graph, exported with the same scoring settings except the strength.
        images: Shape (B, 3, H, W).
        scoring: The scoring settings of both.
    """
    given = {"images": images.numpy(), "style_weight": np.array(scoring.style_weight, np.float32)}
    scores, *maps = session.run(None, {entry.name: given[entry.name] for entry in session.get_inputs()})
    with torch.no_grad():
        ours = detector(images, scoring)
    of_scores = largest_differences(scores[:, None], ours.score[:, None].numpy())
    of_maps = largest_differences(maps[0], ours.anomaly_map[:, 0].numpy()) if maps else (np.nan, np.nan)
    return Differences(*of_scores, *of_maps)


def largest_differences(values: Any, ours: Any) -> tuple[float, float]:
    """Return the largest absolute difference and the largest relative to the image's maximum, for shapes (B, ...)."""
    difference, size = (np.abs(array).reshape(len(array), -1).max(axis=1) for array in (values - ours, ours))
    return float(difference.max()), float((difference / size).max())


if __name__ == "__main__":
    main()

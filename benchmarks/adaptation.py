"""What adapting to a new domain brings, way by way: AUROC, false alarms and misses on images it has not seen.

    python -m benchmarks.adaptation RUN... --output FILE [--domain D ...] [--count 16] [--share 10] [--tray-seed 0 1 2]

Writes one JSON line per run, domain and tray. The ways are scored on the same images: all of the domain that are not
in the tray, or a fixed sample of them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gnl_core.adaptation.choice import Ways
from gnl_core.adaptation.recalibration import Aim
from gnl_core.adaptation.records import Adaptation
from gnl_core.adapting import AdaptationSettings, adapt
from gnl_core.adapting.fitting import fit_adaptation
from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.datasets import find_dataset
from gnl_core.datasets.base import Item
from gnl_core.detectors.base import Detector
from gnl_core.metrics.image import auroc
from gnl_core.runs.adapting import WAYS, way_name
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.images import list_domain
from gnl_core.runs.scoring import Run, load_run, resolve_scoring
from gnl_core.runs.tray_images import load_training, load_tray
from gnl_core.runs.trays import draw_tray
from gnl_core.scoring import detect_at_precision

CHUNK = 16
REDUCTIONS = ("maximum", "top", "mean")


def main() -> None:
    """Measure every run, domain and tray, and append a line for each to the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--domain", nargs="+")
    parser.add_argument("--count", nargs="+", type=int, default=[16])
    parser.add_argument("--share", nargs="+", type=float, default=[10.0], help="anomalies in the tray, percent")
    parser.add_argument("--tray-seed", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--most", type=int, default=1000, help="images of a domain that are scored, at most")
    parser.add_argument("--normal", action="store_true", help="trays of images known to be normal")
    parsed = parser.parse_args()
    torch.set_num_threads(1)
    for path in parsed.runs:
        run = load_run(RunFolder(path), device="cpu")
        spec = find_dataset(run.config.dataset, run.config.data_root)
        for domain in parsed.domain or spec.domains:
            for line in measure_domain(run, domain, parsed):
                with parsed.output.open("a") as stream:
                    stream.write(json.dumps(describe_run(run.config) | line) + "\n")
        print(path, file=sys.stderr, flush=True)


def describe_run(config: RunConfig) -> dict[str, object]:
    """What tells runs apart in the file."""
    return {
        "dataset": config.dataset,
        "normal_class": config.normal_class,
        "detector": config.detector,
        "training_seed": config.seed,
    }


def measure_domain(run: Run, domain: str, parsed: argparse.Namespace) -> Iterator[dict[str, object]]:
    """Yield the measurements of each tray of a domain."""
    items = sample(list_domain(run.config, domain), most=parsed.most)
    labels = np.array([item.label for item in items])
    images = load_tray(items, run.config)
    scoring = resolve_scoring(run, style_weight=0.0)
    plain = reduce_maps(run, images, scoring, Adaptation())
    matched = reduce_maps(run, images, scoring.model_copy(update={"style_weight": 1.0}), Adaptation())
    training = load_training(run)
    for count, share, seed in product(parsed.count, parsed.share, parsed.tray_seed):
        try:
            tray = draw_tray(items, count=count, seed=seed, anomaly_percent=share, known_normal=parsed.normal)
        except ValueError as error:
            print(f"{domain}: {error}", file=sys.stderr)
            continue
        seen = {item.path for item in tray.items}
        in_tray = np.array([item.path in seen for item in items])
        shown = images[torch.from_numpy(in_tray)]
        fit = adapt(
            run.detector,
            shown,
            scoring,
            training=training,
            settings=AdaptationSettings(aim=Aim(known_normal=parsed.normal, anomaly_share=share / 100)),
        )
        scored = {"none": plain, "FDM": matched}
        for name, ways in offered_ways(run.detector).items():
            adaptation = fit_adaptation(run.detector, shown, scoring, ways)
            scored[name] = reduce_maps(run, images, scoring, adaptation)
        rest = ~in_tray
        chosen = way_name(fit.ways)
        scores = scored[chosen]["maximum"]
        yield {
            "domain": domain,
            "count": count,
            "share": share,
            "seed": seed,
            "n_normal": int((labels[rest] == 0).sum()),
            "n_anomalous": int((labels[rest] == 1).sum()),
            "chosen": chosen,
            "evidence": fit.evidence._asdict(),
            "threshold": fit.threshold._asdict(),
            "false_alarm_rate": float((scores[rest & (labels == 0)] > fit.threshold.value).mean()),
            "miss_rate": float((scores[rest & (labels == 1)] <= fit.threshold.value).mean()),
            "auroc": {
                name: {reduction: percent(labels[rest], values[rest]) for reduction, values in reduced.items()}
                for name, reduced in scored.items()
            },
        }


def percent(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> float | None:
    """AUROC in percent."""
    value = auroc(labels, scores)
    return None if value is None else round(100 * value, 2)


def offered_ways(detector: Detector) -> dict[str, Ways]:
    """The ways by which a method can be adapted, by name."""
    return {
        name: ways for name, ways in WAYS.items() if ways.match_domain or (ways.standardise and detector.reduces_map)
    }


def sample(items: list[Item], *, most: int) -> list[Item]:
    """Draw a fixed sample of a domain's images, with up to a third of it normal, if there are more than `most`."""
    if len(items) <= most:
        return items
    generator = np.random.default_rng(0)
    labels = np.array([item.label for item in items])
    normal = generator.permutation(np.flatnonzero(labels == 0))[: most // 3]
    anomalous = generator.permutation(np.flatnonzero(labels == 1))[: most - len(normal)]
    return [items[position] for position in sorted((*normal, *anomalous))]


@torch.inference_mode()
def reduce_maps(run: Run, images: Tensor, scoring: ScoringConfig, adaptation: Adaptation) -> dict[str, np.ndarray]:
    """Scores of images by each reduction, adapted."""
    detector = run.detector.adapted(adaptation)
    reductions = REDUCTIONS if detector.reduces_map else REDUCTIONS[:1]
    scorings = [scoring.model_copy(update={"reduction": reduction, "top_percent": 2.0}) for reduction in reductions]
    parts = [detect_at_precision(detector, chunk, scorings) for chunk in torch.split(images, CHUNK)]
    return {
        reduction: torch.cat([part[position].score for part in parts]).numpy()
        for position, reduction in enumerate(reductions)
    }


if __name__ == "__main__":
    main()

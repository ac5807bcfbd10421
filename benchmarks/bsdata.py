"""Pixel metrics and false alarms by day, of runs trained on `bsdata`, as Markdown tables.

    GNL_DATA=… OMP_NUM_THREADS=1 python -m benchmarks.bsdata RUN… [--style-weight 0 1]

Scores every run on all domains, without and with matching. Each number is the mean over the runs of a method. A false
alarm is a normal square above the run's threshold, the 0.95 quantile of its held-out training squares; its day is in
its photograph's name.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gnl_core.config import ScoringConfig
from gnl_core.datasets.bsdata import BSDATA, NAME_OF_TYPE_2
from gnl_core.metrics.threshold import choose_threshold
from gnl_core.records import PixelReport, Scores
from gnl_core.runs.evaluation import score_held_out
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.scoring import Run, load_domain, load_run, resolve_scoring
from gnl_core.scoring import collect, detect, join_scores

OTHER_SCREW = "type 1"  # photographs of the other screw are not of a day


class Measured(NamedTuple):
    """What one run gives at one strength: the pixel metrics by domain, and the share of false alarms by day."""

    pixels: dict[str, PixelReport]
    false_alarms: dict[str, float]


def main() -> None:
    """Score the runs, and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="+", type=Path)
    parser.add_argument("--style-weight", nargs="+", type=float, default=[0.0, 1.0])
    parsed = parser.parse_args()
    measured: dict[tuple[str, float], list[Measured]] = {}
    counts: dict[str, int] = {}
    for path in parsed.run:
        run = load_run(RunFolder(path), device="cpu", engine="auto")
        for weight in parsed.style_weight if run.detector.matches else parsed.style_weight[:1]:
            found, counts = measure(run, resolve_scoring(run, style_weight=weight))
            measured.setdefault((run.config.detector, weight), []).append(found)
    print_pixels(measured)
    print_false_alarms(measured, counts)


def measure(run: Run, scoring: ScoringConfig) -> tuple[Measured, dict[str, int]]:
    """Score a run on all domains; also return the number of normal squares of each day."""
    domains = {domain: collect(detect(run.detector, load_domain(run, domain), scoring)) for domain in BSDATA.domains}
    threshold = choose_threshold(score_held_out(run, scoring, explain=print), quantile=run.config.threshold_quantile)
    assert threshold.value is not None  # some training images are held out
    by_day = dict(normal_by_day(join_scores([scores for scores, _ in domains.values()])))
    false_alarms = {day: float(np.mean(scores > threshold.value)) for day, scores in by_day.items()}
    counts = {day: len(scores) for day, scores in by_day.items()}
    return Measured({domain: pixels for domain, (_, pixels) in domains.items()}, false_alarms), counts


def normal_by_day(scores: Scores) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Yield each day with the scores of its normal squares, in order of time; the other screw comes last."""
    days = np.array([day_of(path) for path in scores.path])
    for day in sorted(set(days)):
        yield day, scores.score[(days == day) & (scores.label == 0)]


def day_of(path: str) -> str:
    """Return the day in a square's path, such as "2020-09-02"; OTHER_SCREW for photographs without one."""
    found = NAME_OF_TYPE_2.fullmatch(path.split("/")[1])
    return "20{}{}-{}{}-{}{}".format(*found["day"]) if found else OTHER_SCREW


def print_pixels(measured: dict[tuple[str, float], list[Measured]]) -> None:
    """Print AUROC of pixels and AUPRO by method and domain."""
    print(f"| method | α | runs | {' | '.join(BSDATA.domains)} |\n|---|---|---:|{'---|' * len(BSDATA.domains)}")
    for (detector, weight), runs in measured.items():
        cells = [pixel_cell([run.pixels[domain] for run in runs]) for domain in BSDATA.domains]
        print(f"| {detector} | {weight:g} | {len(runs)} | {' | '.join(cells)} |")


def pixel_cell(reports: list[PixelReport]) -> str:
    """Write the mean of AUROC and AUPRO in percent; nothing for a method without maps."""
    pairs = [(report.pixel_auroc, report.aupro) for report in reports if None not in (report.pixel_auroc, report.aupro)]
    return " / ".join(f"{100 * value:.1f}" for value in np.mean(pairs, axis=0)) if pairs else ""


def print_false_alarms(measured: dict[tuple[str, float], list[Measured]], counts: dict[str, int]) -> None:
    """Print the share of false alarms by method and day."""
    names = [f"{day.removeprefix('2020-')} ({counts[day]})" for day in counts]
    print(f"\n| method | α | {' | '.join(names)} |\n|---|---|{'---:|' * len(names)}")
    for (detector, weight), runs in measured.items():
        shares = [np.mean([run.false_alarms[day] for run in runs]) for day in counts]
        print(f"| {detector} | {weight:g} | {' | '.join(f'{100 * share:.0f}' for share in shares)} |")


if __name__ == "__main__":
    main()

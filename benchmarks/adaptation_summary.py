"""Tables of what `benchmarks.adaptation` measured, as Markdown.

    python -m benchmarks.adaptation_summary FILE... [--reduction maximum]

A pair is a method trained on one class, and a domain; each number is the mean over training seeds and trays of one
size and share of anomalies. A pair is shifted if its domain is not the in-distribution one. In hindsight the best way
of each tray is taken, by the labels.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pydantic import BaseModel

IN_DISTRIBUTION = {"digits", "mnist", "photo", "parts", "mvtec", "cifar10", "original"}
WORSE_POINTS = 1.0  # loss that counts as worse
CLOSE_POINTS = 2.0  # distance from hindsight that counts as close
UNADAPTED = "none"


class Measurement(BaseModel):
    """What is read of a line: one tray of one pair."""

    dataset: str
    normal_class: str
    detector: str
    training_seed: int
    domain: str
    count: int
    share: float
    seed: int
    n_normal: int
    n_anomalous: int
    chosen: str
    false_alarm_rate: float
    miss_rate: float
    auroc: dict[str, dict[str, float | None]]


class PairName(NamedTuple):
    """What the trays of a pair have in common."""

    dataset: str
    normal_class: str
    detector: str
    domain: str
    count: int
    share: float


class Pair(NamedTuple):
    """The trays of a pair; AUROC in percent, means over the trays, `spread` their standard deviation."""

    name: PairName
    trays: list[Measurement]
    aurocs: dict[str, float]
    chosen: float
    spread: float
    hindsight: float

    @property
    def gain(self) -> float:
        """Points that the ways chosen gain over no adaptation."""
        return self.chosen - self.aurocs[UNADAPTED]

    @property
    def shifted(self) -> bool:
        """Whether the domain is not the one that was trained on."""
        return self.name.domain not in IN_DISTRIBUTION


def main() -> None:
    """Print the table of pairs and the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--reduction", default="maximum")
    parsed = parser.parse_args()
    lines = [line for file in parsed.files for line in file.read_text(encoding="utf-8").splitlines()]
    pairs = summarise_pairs([Measurement.model_validate(json.loads(line)) for line in lines], parsed.reduction)
    print("\n".join(format_pairs(pairs)))
    print()
    print("\n".join(format_summary(pairs)))


def summarise_pairs(measurements: Iterable[Measurement], reduction: str) -> list[Pair]:
    """Average the trays of each pair, for one reduction of the anomaly map."""
    by_pair: dict[PairName, list[Measurement]] = {}
    for measurement in measurements:
        name = PairName(*(getattr(measurement, field) for field in PairName._fields))
        by_pair.setdefault(name, []).append(measurement)
    return [make_pair(name, trays, reduction) for name, trays in sorted(by_pair.items())]


def make_pair(name: PairName, trays: list[Measurement], reduction: str) -> Pair:
    """Average the trays of one pair."""
    reduced = [{way: values[reduction] or 0.0 for way, values in tray.auroc.items()} for tray in trays]
    chosen = [row[tray.chosen] for row, tray in zip(reduced, trays, strict=True)]
    return Pair(
        name,
        trays,
        aurocs={way: mean(row[way] for row in reduced) for way in reduced[0]},
        chosen=mean(chosen),
        spread=float(np.std(chosen)),
        hindsight=mean(max(row.values()) for row in reduced),
    )


def mean(values: Iterable[float]) -> float:
    """Arithmetic mean."""
    return float(np.mean(list(values)))


def format_pairs(pairs: Sequence[Pair]) -> list[str]:
    """One row per pair: AUROC of every way, of the ways chosen, false alarms and misses at the threshold chosen."""
    ways = list(pairs[0].aurocs)
    header = ["class", "domain", "tray", "n (normal)", *ways, "chosen", "AUROC", "false alarms", "misses"]
    rows = [
        [
            f"{pair.name.dataset} {pair.name.normal_class}, {pair.name.detector}",
            pair.name.domain,
            f"{pair.name.count}, {pair.name.share:g}%",
            f"{pair.trays[0].n_normal + pair.trays[0].n_anomalous} ({pair.trays[0].n_normal})",
            *(f"{pair.aurocs[way]:.1f}" if way in pair.aurocs else "–" for way in ways),
            ", ".join(f"{name} {count}" for name, count in Counter(tray.chosen for tray in pair.trays).most_common()),
            f"**{pair.chosen:.1f}** ± {pair.spread:.1f}",
            f"{mean(tray.false_alarm_rate for tray in pair.trays):.0%}",
            f"{mean(tray.miss_rate for tray in pair.trays):.0%}",
        ]
        for pair in pairs
    ]
    ruler = ["---", "---", *["---:"] * (len(ways) + 2), "---", *["---:"] * 3]
    return [f"| {' | '.join(row)} |" for row in (header, ruler, *rows)]


def format_summary(pairs: Sequence[Pair]) -> list[str]:
    """The aims: no pair worse, the gain over shifted pairs, the distance from hindsight."""
    shifted = [pair for pair in pairs if pair.shifted]
    worse = sum(pair.gain < -WORSE_POINTS for pair in pairs)
    close = sum(pair.hindsight - pair.chosen <= CLOSE_POINTS for pair in pairs)
    return [
        f"- not more than {WORSE_POINTS:g} point below unadapted: {len(pairs) - worse} of {len(pairs)} pairs "
        f"({1 - worse / len(pairs):.0%})",
        f"- mean gain over the {len(shifted)} shifted pairs: {mean(pair.gain for pair in shifted):+.1f} points",
        f"- within {CLOSE_POINTS:g} points of hindsight: {close} of {len(pairs)} pairs ({close / len(pairs):.0%})",
    ]


if __name__ == "__main__":
    main()

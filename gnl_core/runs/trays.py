"""Trays: a few images of a new domain that a detector is adapted from. Nothing here imports PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gnl_core.datasets.base import Item

TRAY_SIZES = (4, 8, 16, 32)  # offered on the pages
LARGEST_SHARE_DRAWN = 0.5  # of a domain's normal images; the others are left to be scored
USUAL_ANOMALY_PERCENT = 10.0


class Tray(NamedTuple):
    """Images that a detector is adapted from.

    Attributes:
        items: The images.
        known_normal: Whether all of them are known to be normal.
    """

    items: list[Item]
    known_normal: bool


class TrayUse(NamedTuple):
    """What is done with a tray of each domain, whose images are not scored.

    Attributes:
        way: "none": nothing; "adapted": the detector is adapted to it; "bank": it is added to the detector's bank.
        kind: "unlabelled": mostly normal images; "normal": images known to be normal.
        size: Number of images.
    """

    way: Literal["none", "adapted", "bank"]
    kind: Literal["unlabelled", "normal"]
    size: int

    @property
    def tray(self) -> str:
        """The name of the tray: kind and number of images."""
        return f"{self.kind}:{self.size}"

    @property
    def request(self) -> str:
        """What requests this use, as in `gnl compare --adapt`."""
        return f"bank:{self.size}" if self.way == "bank" else self.tray

    @property
    def known_normal(self) -> bool:
        """Whether all images are normal, and known to be."""
        return self.kind == "normal"


def draw_tray(
    items: Sequence[Item],
    *,
    count: int,
    seed: int,
    known_normal: bool = False,
    anomaly_percent: float = USUAL_ANOMALY_PERCENT,
) -> Tray:
    """Draw a tray from a labelled domain, to measure what adapting to it brings.

    Labels only decide how the tray is composed, as a line that mostly runs well would; the adaptation does not see
    them. Whoever scores the domain then leaves these images out.

    Args:
        items: The domain's images.
        count: Number of images to draw.
        seed: Decides the draw.
        known_normal: Draw normal images alone, and say so.
        anomaly_percent: Share of anomalies in a tray that is not known to be normal, in [0, 100).

    Raises:
        ValueError: If no image is requested, the share is out of range, or there are not enough images of a kind to
            draw from and to score.
    """
    labels = np.array([item.label for item in items])
    drawn = draw_positions(labels, count=count, seed=seed, known_normal=known_normal, anomaly_percent=anomaly_percent)
    return Tray([items[position] for position in drawn], known_normal)


def draw_positions(
    labels: NDArray[np.int64],
    *,
    count: int,
    seed: int,
    known_normal: bool = False,
    anomaly_percent: float = USUAL_ANOMALY_PERCENT,
) -> list[int]:
    """Draw a tray from a domain's labels, shape (n,), as `draw_tray` does; return the positions of its images."""
    if count < 1:
        raise ValueError(f"a tray needs at least one image, got {count}")
    if not 0 <= anomaly_percent < 100:
        raise ValueError(
            f"the share of anomalies in a tray must be at least 0 and below 100 %, got {anomaly_percent:g}"
        )
    n_normal, n_anomalous = compose(count, known_normal=known_normal, anomaly_percent=anomaly_percent)
    generator = np.random.default_rng(seed)
    normal = draw(np.flatnonzero(labels == 0), n_normal, generator, kind="normal")
    anomalous = draw(np.flatnonzero(labels == 1), n_anomalous, generator, kind="anomalous")
    return sorted((*normal, *anomalous))


def draw_use(items: Sequence[Item], use: TrayUse, *, seed: int) -> Tray:
    """Draw the tray of a use from a domain's images; see `draw_tray`."""
    return draw_tray(items, count=use.size, seed=seed, known_normal=use.known_normal)


def judged_images(labels: NDArray[np.int64], use: TrayUse, *, seed: int) -> NDArray[np.bool_]:
    """Return which images of a domain, given by their labels in order, are not in the tray that `draw_use` draws.

    Raises:
        ValueError: If the domain has too few images.
    """
    judged = np.ones(len(labels), dtype=bool)
    judged[draw_positions(labels, count=use.size, seed=seed, known_normal=use.known_normal)] = False
    return judged


def compose(count: int, *, known_normal: bool, anomaly_percent: float = USUAL_ANOMALY_PERCENT) -> tuple[int, int]:
    """Numbers of normal and of anomalous images in a tray."""
    n_anomalous = 0 if known_normal else round(count * anomaly_percent / 100)
    return count - n_anomalous, n_anomalous


def is_drawable(labels: NDArray[np.int64], *, count: int, known_normal: bool) -> bool:
    """Whether a domain with these labels has enough images of each kind for a tray."""
    wanted = compose(count, known_normal=known_normal)
    return all(wanted[label] <= largest_draw(int((labels == label).sum())) for label in (0, 1))


def largest_draw(available: int) -> int:
    """How many of a kind's images a tray may take; the others are left to be scored."""
    return int(available * LARGEST_SHARE_DRAWN)


def draw(positions: NDArray[np.intp], count: int, generator: np.random.Generator, *, kind: str) -> list[int]:
    """Draw positions without replacement, at most half of them.

    Raises:
        ValueError: If that is not enough.
    """
    most = largest_draw(len(positions))
    if count > most:
        raise ValueError(
            f"a tray with {count} {kind} images is requested, but the domain has {len(positions)}, half of which are "
            f"left to be scored; draw at most {most}"
        )
    return [int(position) for position in generator.permutation(positions)[:count]]


def without(items: Sequence[Item], tray: Tray) -> list[Item]:
    """Return the images that are not in a tray, by their paths: what an adaptation has seen is not scored."""
    seen = {item.path for item in tray.items}
    return [item for item in items if item.path not in seen]

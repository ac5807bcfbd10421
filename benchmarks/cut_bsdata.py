"""Cut BSData's photographs of ball screws into squares, as a `folder` data set with two machines as domains.

    python -m benchmarks.cut_bsdata BSDATA OUTPUT

BSDATA holds `data/` and `label/` as published (Schlagenhauf et al., 2021). Photographs of type 2 (`01_…`) taken before
the first pitting was outlined are for training; the later ones are the in-distribution domain, those of type 1
(`KGT…`, another machine) the shifted one. A square is anomalous if a polygon overlaps it, and left out if it does so by
less than a thousandth of its area.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import PIL.Image
import PIL.ImageDraw
from pydantic import BaseModel

FIRST_PITTING = "200902"  # day of the first outlined pitting on type 2, as in the files' names
LEAST_OVERLAP = 0.001  # of a square's area, for an anomaly
TYPE_2, TYPE_1 = "01_", "KGT"


class Shape(BaseModel):
    """A polygon of labelme."""

    points: list[tuple[float, float]]


class Label(BaseModel):
    """What is read of a labelme file."""

    shapes: list[Shape]


class Square(NamedTuple):
    """A square cut from a photograph; `overlap` is the share of it that polygons cover."""

    image: PIL.Image.Image
    position: int
    overlap: float


def main() -> None:
    """Cut all photographs and say how many squares there are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bsdata", type=Path)
    parser.add_argument("output", type=Path)
    parsed = parser.parse_args()
    counts: dict[str, int] = {}
    for photograph in sorted((parsed.bsdata / "data").iterdir()):
        label = parsed.bsdata / "label" / f"{photograph.stem}.json"
        for square in cut(photograph, label):
            place = place_of(photograph.name, square.overlap)
            if place is None:
                continue
            counts[place] = counts.get(place, 0) + 1
            target = parsed.output / place / f"{photograph.stem}_{square.position}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            square.image.save(target)
    print("\n".join(f"{place}: {count} squares" for place, count in sorted(counts.items())))


def cut(photograph: Path, label: Path) -> Iterator[Square]:
    """Cut a photograph into as many squares of its shorter side as fit, evenly spread over its width."""
    image = PIL.Image.open(photograph).convert("RGB")
    width, side = image.size
    pitted = np.asarray(draw_polygons(image.size, label)) > 0
    for position in range(width // side):
        left = round(position * (width - side) / max(1, width // side - 1))
        window = image.crop((left, 0, left + side, side))
        yield Square(window, position, float(pitted[:, left : left + side].mean()))


def draw_polygons(size: tuple[int, int], label: Path) -> PIL.Image.Image:
    """Draw the outlined pitting as a mask; an empty one where nothing is outlined."""
    mask = PIL.Image.new("L", size)
    if label.exists():
        for shape in Label.model_validate(json.loads(label.read_text(encoding="utf-8"))).shapes:
            PIL.ImageDraw.Draw(mask).polygon([tuple(point) for point in shape.points], fill=255)
    return mask


def place_of(name: str, overlap: float) -> str | None:
    """The folder of a square, or None if it is left out."""
    if 0 < overlap < LEAST_OVERLAP:
        return None
    kind = "pitting" if overlap else "good"
    if name.startswith(TYPE_1):
        return f"test/type_1/{kind}"
    early = name.removeprefix(TYPE_2)[: len(FIRST_PITTING)] < FIRST_PITTING
    if early:
        return "train/good"
    return f"test/original/{kind}"


if __name__ == "__main__":
    main()

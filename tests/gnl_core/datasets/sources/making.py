"""Small exports of other tools."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import numpy as np
import PIL.Image

SIZE = (6, 4)  # width and height
SQUARE = [[1, 1], [3, 1], [3, 2], [1, 2]]


def write_images(root: Path, *names: str) -> None:
    """Write images that differ from each other."""
    for name in names:
        write_image(root / name)


def write_image(path: Path, *, seed: int | None = None) -> Path:
    """Write an image that differs from all others, unless a seed is given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    seed = zlib.crc32("/".join(path.parts[-3:]).encode()) if seed is None else seed
    pixels = np.random.default_rng(seed).integers(256, size=(SIZE[1], SIZE[0], 3), dtype=np.uint8)
    PIL.Image.fromarray(pixels).save(path, "PNG")
    return path


def write_labelme(path: Path, *labels: str, image: str, **other: object) -> Path:
    """Write a label file with a square per label."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shapes = [{"label": label, "points": SQUARE, "shape_type": "polygon"} for label in labels]
    fields = {"shapes": shapes, "imagePath": image, "imageWidth": SIZE[0], "imageHeight": SIZE[1]}
    path.write_text(json.dumps(fields | other))
    return path


def write_coco(path: Path, images: dict[str, list[tuple[str, object]]], /, **other: object) -> Path:
    """Write an annotation file: images by name, with the category and the segmentation of each annotation."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = sorted({name for annotations in images.values() for name, _ in annotations})
    fields = {
        "images": [
            {"id": number, "file_name": name, "width": SIZE[0], "height": SIZE[1]} for number, name in enumerate(images)
        ],
        "categories": [{"id": number, "name": name} for number, name in enumerate(names)],
        "annotations": [
            {"image_id": number, "category_id": names.index(name), "segmentation": segmentation}
            for number, annotations in enumerate(images.values())
            for name, segmentation in annotations
        ],
    }
    path.write_text(json.dumps(fields | other))
    return path


def names_in(folder: Path) -> list[str]:
    """Return the names in a folder, hidden ones among them."""
    return sorted(path.name for path in folder.iterdir())

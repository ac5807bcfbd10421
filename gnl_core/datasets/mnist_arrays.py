"""Find and read MNIST's arrays, in any of the common layouts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gnl_core.datasets.arrays import npz_shape, read_idx, read_npz
from gnl_core.datasets.base import Image, Item
from gnl_core.datasets.layout import require_root
from gnl_core.datasets.listing import check_inside

NPZ_FILES = ("mnist/mnist.npz", "mnist.npz")
IDX_FOLDERS = ("mnist", "mnist/raw", "mnist/MNIST/raw", "MNIST/raw", "MNIST")
IDX_NAMES = {"train": "train", "test": "t10k"}
LAYOUT = "mnist/mnist.npz, or mnist/train-images-idx3-ubyte.gz with its three companions, under the data root"

Files = tuple[Path, ...]  # one .npz file, or two IDX files: images, labels


def mnist_arrays(root: Path | None, split: str) -> tuple[NDArray[np.uint8], list[str]]:
    """Load MNIST's images and their classes.

    Args:
        root: The data root.
        split: "train" or "test".

    Returns:
        Images, uint8, shape (n, 28, 28), white on black, and n classes "0" to "9".

    Raises:
        ValueError: If they are missing or damaged.
    """
    files = find_mnist(root, split)
    return load_images(files, split), load_classes(files, split)


def find_mnist(root: Path | None, split: str) -> Files:
    """Find MNIST's files of a split, in any layout."""
    root = require_root(root)
    part = IDX_NAMES[split]
    pairs = [
        (f"{folder}/{part}-images{dot}idx3-ubyte{end}", f"{folder}/{part}-labels{dot}idx1-ubyte{end}")
        for folder in IDX_FOLDERS
        for dot in "-."
        for end in ("", ".gz")
    ]
    files = find_files(root, [*((name,) for name in NPZ_FILES), *pairs])
    if not files:
        raise ValueError(f"no MNIST {split} images in {root / 'mnist'}; expected {LAYOUT}")
    return files


def find_files(root: Path, choices: Sequence[tuple[str, ...]]) -> Files:
    """Find the first choice all of whose files exist; an empty tuple if there is none.

    Raises:
        ValueError: If a symlink leads out of the root.
    """
    for names in choices:
        files = tuple(root / name for name in names)
        if all(file.is_file() for file in files):
            for file in files:
                check_inside(root, file)
            return files
    return ()


def array_item(files: Files, index: int, *, label: int, domain: str, split: str) -> Item:
    """Make an item of one image of array files."""
    return Item(
        path=f"{domain}/{split}/{index:05d}",
        read=partial(read_array_image, files, split, index),
        label=label,
        domain=domain,
        category=load_classes(files, split)[index],
        file=files[0],
    )


def read_array_image(files: Files, split: str, index: int) -> Image:
    """Read one image of array files as RGB, shape (H, W, 3)."""
    image = load_images(files, split)[index]
    return image.copy() if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)


@lru_cache(maxsize=4)
def load_images(files: Files, split: str) -> NDArray[np.uint8]:
    """Load all images, shape (n, H, W) or (n, H, W, 3), and cache them.

    Raises:
        ValueError: If the file is damaged, or contains something else.
    """
    images = read_idx(files[0]) if len(files) == 2 else read_npz(files[0], f"x_{split}")
    if images.dtype != np.uint8 or images.shape[3:] not in ((), (3,)) or images.ndim < 3:
        raise ValueError(f"{files[0]} holds {images.dtype} of shape {images.shape}; expected uint8 of (n, 28, 28)")
    return images.astype(np.uint8, copy=False)


@lru_cache(maxsize=4)
def load_classes(files: Files, split: str) -> list[str]:
    """Load the class of each image.

    Raises:
        ValueError: If the file is damaged, or images and labels do not match.
    """
    labels = read_idx(files[1]) if len(files) == 2 else read_npz(files[0], f"y_{split}")
    count = len(load_images(files, split)) if len(files) == 2 else npz_shape(files[0], f"x_{split}")[0]
    if labels.shape != (count,) or not np.isin(labels, np.arange(10)).all():
        raise ValueError(f"{files[-1]} holds labels of shape {labels.shape}; expected {count} digits, 0 to 9")
    return [str(label) for label in labels.tolist()]

"""CIFAR-10 (Krizhevsky, 2009): ten classes of 32x32 photographs, as image folders or in its binary version."""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gnl_core.datasets.base import ALL_OPERATIONS, DatasetSpec, Image, Item
from gnl_core.datasets.layout import image_item, require_anomalies, require_images, require_root
from gnl_core.datasets.listing import check_inside

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
DOMAIN = "cifar10"
BINARY_FOLDERS = ("cifar10/cifar-10-batches-bin", "cifar-10-batches-bin")
BINARY_FILES = {"train": [f"data_batch_{number}.bin" for number in range(1, 6)], "test": ["test_batch.bin"]}
SIDE_PX = 32
RECORD_BYTES = 1 + 3 * SIDE_PX * SIDE_PX  # the class, then the red, the green and the blue plane
LAYOUT = "cifar10/{train,test}/<class>/*.png or cifar10/cifar-10-batches-bin/*.bin under the data root"


def train_items(root: Path | None, normal_class: str) -> list[Item]:
    """The training images of the normal class.

    Raises:
        ValueError: If they are missing or damaged.
    """
    root = require_root(root)
    if (root / "cifar10" / "train").is_dir():
        return list_class(root, "train", normal_class, label=0)
    items = [item for item in list_binary(root, "train", normal_class) if item.label == 0]
    if not items:
        raise ValueError(f"no training images of {normal_class!r} in {root / 'cifar10'}; expected {LAYOUT}")
    return items


def test_items(root: Path | None, normal_class: str, domain: str) -> list[Item]:
    """All test images; classes other than the normal one are anomalies.

    Raises:
        ValueError: If they are missing or damaged, or there are no anomalies.
    """
    root = require_root(root)
    folder = root / "cifar10" / "test"
    if folder.is_dir():
        present = [name for name in CLASSES if (folder / name).is_dir()]
        items = [item for name in present for item in list_class(root, "test", name, label=int(name != normal_class))]
    else:
        items = list_binary(root, "test", normal_class)
    return require_anomalies(items, place=root / "cifar10", normal_class=normal_class)


def list_class(root: Path, split: str, name: str, *, label: int) -> list[Item]:
    """The image files of one class."""
    paths = require_images(root / "cifar10" / split / name, root=root)
    return [image_item(path, base=root, label=label, domain=DOMAIN, category=name) for path in paths]


def list_binary(root: Path, split: str, normal_class: str) -> list[Item]:
    """The images of one split of the binary version, in the order of its files."""
    return [
        Item(
            path=f"cifar10/{split}/{file.stem}/{index:05d}",
            read=partial(read_record, file, index),
            label=int(CLASSES[number] != normal_class),
            domain=DOMAIN,
            category=CLASSES[number],
        )
        for file in find_binary(root, split)
        for index, number in enumerate(load_records(file)[:, 0].tolist())
    ]


def find_binary(root: Path, split: str) -> list[Path]:
    """The files of one split of the binary version, all of which must be there."""
    for choice in BINARY_FOLDERS:
        if (root / choice).is_dir():
            files = [root / choice / name for name in BINARY_FILES[split]]
            for file in files:
                if not file.is_file():
                    raise ValueError(f"no file {file}; expected all of CIFAR-10's binary version in that folder")
                check_inside(root, file)
            return files
    raise ValueError(f"no CIFAR-10 {split} images in {root / 'cifar10'}; expected {LAYOUT}")


@lru_cache(maxsize=8)
def load_records(file: Path) -> NDArray[np.uint8]:
    """The records of a binary file, shape (n, 3073), read as they are needed.

    Raises:
        ValueError: If its size is not a whole number of records, or a class is not 0 to 9.
    """
    size = file.stat().st_size
    if not size or size % RECORD_BYTES:
        raise ValueError(f"{file} has {size} bytes, expected a multiple of {RECORD_BYTES}; fetch it again")
    records = np.memmap(file, np.uint8, mode="r", shape=(size // RECORD_BYTES, RECORD_BYTES))
    if records[:, 0].max() >= len(CLASSES):
        raise ValueError(f"{file} has a class above 9; expected CIFAR-10's binary version, fetch it again")
    return records


def read_record(file: Path, index: int) -> Image:
    """One image of a binary file; RGB, shape (32, 32, 3)."""
    planes = load_records(file)[index, 1:].reshape(3, SIDE_PX, SIDE_PX)
    return np.ascontiguousarray(planes.transpose(1, 2, 0))


CIFAR10 = DatasetSpec(
    summary="Ten classes of small photographs (CIFAR-10)",
    classes=CLASSES,
    domains=(DOMAIN,),
    train_items=train_items,
    test_items=test_items,
    augmix_operations=ALL_OPERATIONS,
    how_to_get=(
        "Run gnl data download cifar10, or fetch the binary version from www.cs.toronto.edu/~kriz/cifar.html and "
        "unpack it as cifar10/cifar-10-batches-bin/*.bin under the data root; image folders, "
        "cifar10/{train,test}/<class>/, will do as well. The Python version is not read: it is a pickle, and opening "
        "one can run any program."
    ),
)

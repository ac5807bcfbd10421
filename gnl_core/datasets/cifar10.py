"""CIFAR-10 (Krizhevsky, 2009): ten classes of 32x32 photographs, as image folders or in its original files."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from gnl_core.datasets.base import ALL_OPERATIONS, NOT_STATED, DatasetSpec, Item
from gnl_core.datasets.cifar10_files import load_file, read_record
from gnl_core.datasets.layout import find_below, image_item, require_anomalies, require_images, require_root
from gnl_core.datasets.listing import check_inside
from gnl_core.datasets.names import find_spelled

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
DOMAIN = "cifar10"
PAGE = "www.cs.toronto.edu/~kriz/cifar.html"
FILES = {"train": [f"data_batch_{number}" for number in range(1, 6)], "test": ["test_batch"]}
ENDINGS = {  # possible folders of each version, and the ending of its files
    "cifar10/cifar-10-batches-bin": ".bin",
    "cifar-10-batches-bin": ".bin",
    "cifar10/cifar-10-batches-py": "",
    "cifar-10-batches-py": "",
}
LAYOUT = (
    "cifar10/{train,test}/<class>/*.png, cifar10/cifar-10-batches-bin/*.bin or cifar10/cifar-10-batches-py/* under the "
    "data root"
)


def train_items(root: Path | None, normal_class: str) -> list[Item]:
    """List the training images of the normal class.

    Raises:
        ValueError: If they are missing or damaged.
    """
    root = require_root(root)
    folder = find_below(root, "cifar10/train")
    if folder:
        return list_class(root, folder, normal_class, label=0)
    items = [item for item in list_files(root, "train", normal_class) if item.label == 0]
    if not items:
        raise ValueError(f"no training images of {normal_class!r} in {root / 'cifar10'}; expected {LAYOUT}")
    return items


def test_items(root: Path | None, normal_class: str, domain: str) -> list[Item]:
    """List all test images; classes other than the normal one are anomalies.

    Raises:
        ValueError: If they are missing or damaged, or there are no anomalies.
    """
    root = require_root(root)
    folder = find_below(root, "cifar10/test")
    if folder:
        present = [name for name in CLASSES if find_spelled(folder, [name])]
        items = [item for name in present for item in list_class(root, folder, name, label=int(name != normal_class))]
    else:
        items = list_files(root, "test", normal_class)
    return require_anomalies(items, place=root / "cifar10", normal_class=normal_class)


def list_class(root: Path, split: Path, name: str, *, label: int) -> list[Item]:
    """List the image files of a class in the folder of a split; the class folder may be spelled in any way."""
    paths = require_images(find_spelled(split, [name]) or split / name, root=root)
    return [image_item(path, base=root, label=label, domain=DOMAIN, category=name) for path in paths]


def list_files(root: Path, split: str, normal_class: str) -> list[Item]:
    """List the images of a split of the binary or the Python version, in the order of its files."""
    return [
        Item(
            path=f"cifar10/{split}/{file.stem}/{index:05d}",
            read=partial(read_record, file, index),
            label=int(CLASSES[number] != normal_class),
            domain=DOMAIN,
            category=CLASSES[number],
            file=file,
        )
        for file in find_files(root, split)
        for index, number in enumerate(load_file(file).classes.tolist())
    ]


def find_files(root: Path, split: str) -> list[Path]:
    """Find the files of a split of either version, all of which must exist."""
    for folder, ending in ENDINGS.items():
        if (root / folder).is_dir():
            files = [root / folder / f"{name}{ending}" for name in FILES[split]]
            for file in files:
                if not file.is_file():
                    raise ValueError(f"no file {file}; expected all files of CIFAR-10 in that folder")
                check_inside(root, file)
            return files
    raise ValueError(f"no CIFAR-10 {split} images in {root / 'cifar10'}; expected {LAYOUT}")


CIFAR10 = DatasetSpec(
    summary="Ten classes of small photographs (CIFAR-10)",
    classes=CLASSES,
    domains=(DOMAIN,),
    train_items=train_items,
    test_items=test_items,
    augmix_operations=ALL_OPERATIONS,
    licence=NOT_STATED,
    page=PAGE,
    folders=("cifar10/train", "cifar10/test"),
    how_to_get=(
        "Run gnl data download cifar10, or download the binary or the Python version from "
        f"{PAGE} and unpack it as cifar10/cifar-10-batches-bin/*.bin or "
        "cifar10/cifar-10-batches-py/* under the data root; image folders, cifar10/{train,test}/<class>/, work as "
        "well. The Python version is a pickle; it is read without unpickling."
    ),
)

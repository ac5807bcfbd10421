"""MNIST, and MNIST-M: its test digits blended with photographs (Ganin et al., 2016)."""

from __future__ import annotations

from pathlib import Path

from gnl_core.datasets.base import ALL_OPERATIONS, NOT_STATED, DatasetSpec, Item
from gnl_core.datasets.layout import image_item, require_anomalies, require_folder, require_images, require_root
from gnl_core.datasets.mnist_arrays import array_item, find_files, find_mnist, load_classes
from gnl_core.files import UnreadableFileError, read_text
from gnl_core.messages import quote

CLASSES = tuple("0123456789")
PAGE = "yann.lecun.com/exdb/mnist"
BLENDED_FILE = "mnist_m/mnist_m_test.npz"
BLENDED_FOLDERS = ("mnist_m/mnist_m_test", "mnist_m/mnist_m/mnist_m_test")
LABELS = "mnist_m_test_labels.txt"
BLENDED_LAYOUT = f"{BLENDED_FILE}, or mnist_m/mnist_m_test/*.png beside {LABELS}, under the data root"


def train_items(root: Path | None, normal_class: str) -> list[Item]:
    """List MNIST's training images of the normal digit.

    Raises:
        ValueError: If MNIST is missing or damaged, or has no such image.
    """
    files = find_mnist(root, "train")
    classes = load_classes(files, "train")
    indices = [index for index, category in enumerate(classes) if category == normal_class]
    if not indices:
        raise ValueError(f"no digit {normal_class!r} among the training images in {files[0]}; download MNIST again")
    return [array_item(files, index, label=0, domain="mnist", split="train") for index in indices]


def test_items(root: Path | None, normal_class: str, domain: str) -> list[Item]:
    """List all test images of MNIST or MNIST-M; digits other than the normal one are anomalies.

    Raises:
        ValueError: If they are missing or damaged, or there are no anomalies.
    """
    root = require_root(root)
    files = find_mnist(root, "test") if domain == "mnist" else find_files(root, [(BLENDED_FILE,)])
    if not files:
        return list_pictures(root, normal_class)
    labels = [int(category != normal_class) for category in load_classes(files, "test")]
    items = [array_item(files, index, label=label, domain=domain, split="test") for index, label in enumerate(labels)]
    return require_anomalies(items, place=files[0], normal_class=normal_class)


def list_pictures(root: Path, normal_class: str) -> list[Item]:
    """List MNIST-M's test images as distributed: a folder of image files and a list of their labels."""
    folder = require_folder(root, BLENDED_FOLDERS, expected=BLENDED_LAYOUT)
    labels = read_labels(find_labels(folder))
    items = []
    for path in require_images(folder, root=root):
        if path.name not in labels:
            raise ValueError(f"{path} has no label; expected a line for it in {LABELS}")
        category = labels[path.name]
        label = int(category != normal_class)
        item = image_item(path, base=folder.parent, label=label, domain="mnist_m", category=category)
        items.append(item._replace(path=f"mnist_m/{item.path}"))
    return require_anomalies(items, place=folder, normal_class=normal_class)


def find_labels(folder: Path) -> Path:
    """Find the list of labels next to a folder of images or in it; without any, return the path next to it."""
    lists = [place / LABELS for place in (folder.parent, folder)]
    return next((path for path in lists if path.is_file()), lists[0])


def find_lists(root: Path) -> tuple[Path, ...]:
    """Find MNIST-M's list of labels if the images are separate files."""
    lists = [find_labels(root / folder) for folder in BLENDED_FOLDERS if (root / folder).is_dir()]
    return tuple(path for path in lists if path.is_file())


def read_labels(path: Path) -> dict[str, str]:
    """Read file names and classes from lines like "00000000.png 5".

    Raises:
        ValueError: If the list is missing, or a line has another form.
    """
    try:
        lines = read_text(path).splitlines()
    except (OSError, UnreadableFileError):
        raise ValueError(f"no readable list of labels at {path}; expected {BLENDED_LAYOUT}") from None
    labels = {}
    for number, line in enumerate(lines, start=1):
        match line.split():
            case [name, label] if label in CLASSES:
                labels[name] = label
            case [_, *_]:
                raise ValueError(f"line {number} of {path} is {quote(line)}; expected a line like '00000000.png 5'")
    return labels


MNIST = DatasetSpec(
    summary="Handwritten digits (MNIST), and the same blended with photographs (MNIST-M)",
    classes=CLASSES,
    domains=("mnist", "mnist_m"),
    train_items=train_items,
    test_items=test_items,
    augmix_operations=ALL_OPERATIONS,
    licence=NOT_STATED,
    page=PAGE,
    folders=BLENDED_FOLDERS,
    lists=find_lists,
    how_to_get=(
        f"MNIST: run gnl data download mnist, or put mnist.npz or the four IDX files ({PAGE}) into "
        "mnist/ under the data root. MNIST-M: run gnl data build-mnist-m --photos DIR, or download mnist_m.tar.gz from "
        "its authors (yaroslav.ganin.net) and unpack it as mnist_m/mnist_m_test/*.png beside mnist_m_test_labels.txt."
    ),
)

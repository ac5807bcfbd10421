from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from gnl_core.datasets.mnist import MNIST
from gnl_core.downloads.mnist_m import build_mnist_m

DIGITS = np.random.default_rng(0).integers(256, size=(5, 28, 28), dtype=np.uint8)
CLASSES = ["4", "7", "4", "0", "9"]


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(3):
        noise = np.random.default_rng(index).integers(256, size=(32, 40, 3), dtype=np.uint8)
        PIL.Image.fromarray(noise).save(folder / f"{index}.png")
    return folder


def build(destination: Path, photographs: Path, *, seed: int = 0) -> None:
    build_mnist_m(DIGITS, CLASSES, photographs=photographs, destination=destination, seed=seed)


def test_the_loader_reads_what_was_built(tmp_path: Path, photographs: Path):
    build(tmp_path / "mnist_m" / "mnist_m_test.npz", photographs)
    items = MNIST.test_items(tmp_path, "4", "mnist_m")
    assert [(item.category, item.label) for item in items] == [("4", 0), ("7", 1), ("4", 0), ("0", 1), ("9", 1)]
    assert items[1].read().shape == (28, 28, 3)
    assert [path.name for path in (tmp_path / "mnist_m").iterdir()] == ["mnist_m_test.npz"]


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, photographs: Path):
    for name, seed in {"a": 0, "b": 0, "c": 1}.items():
        build(tmp_path / f"{name}.npz", photographs, seed=seed)
    contents = [(tmp_path / f"{name}.npz").read_bytes() for name in "abc"]
    assert contents[0] == contents[1] != contents[2]


def test_existing_files_are_not_overwritten(tmp_path: Path, photographs: Path):
    (tmp_path / "a.npz").write_text("precious")
    with pytest.raises(ValueError, match=r"a\.npz already exists; delete it first to build it again"):
        build(tmp_path / "a.npz", photographs)
    assert (tmp_path / "a.npz").read_text() == "precious"


def test_a_bad_photograph_leaves_nothing_behind(tmp_path: Path, photographs: Path):
    (photographs / "1.png").write_text("no image")
    with pytest.raises(ValueError, match=r"photos/1\.png is not a PNG"):
        build(tmp_path / "new" / "a.npz", photographs)
    assert not (tmp_path / "new").exists()


def test_missing_photographs_are_reported(tmp_path: Path):
    with pytest.raises(ValueError, match=r"no folder .*none; expected images in it"):
        build(tmp_path / "a.npz", tmp_path / "none")


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path, photographs: Path):
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"cannot write .*a\.npz: .*; choose another folder"):
        build(tmp_path / "file" / "a.npz", photographs)

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from gnl_core.datasets.cifar10 import CIFAR10

RECORDS = np.random.default_rng(0).integers(256, size=(3, 3073), dtype=np.uint8)
RECORDS[:, 0] = [0, 7, 0]  # airplane, horse, airplane


def write_folders(root: Path) -> None:
    for split in ("train", "test"):
        for name in ("airplane", "horse"):
            folder = root / "cifar10" / split / name
            folder.mkdir(parents=True)
            for index, ending in enumerate(("png", "jpg")):
                PIL.Image.new("RGB", (32, 32), (index, 0, 0)).save(folder / f"{index:04d}.{ending}")


def write_binary(root: Path, place: str) -> Path:
    folder = root / place
    folder.mkdir(parents=True)
    for name in [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]:
        (folder / f"{name}.bin").write_bytes(RECORDS.tobytes())
    (folder / "batches.meta.txt").write_text("airplane\n")
    return folder


def test_image_folders_are_listed_class_by_class(tmp_path: Path):
    write_folders(tmp_path)
    train, test = CIFAR10.train_items(tmp_path, "horse"), CIFAR10.test_items(tmp_path, "horse", "cifar10")
    assert [item.path for item in train] == ["cifar10/train/horse/0000.png", "cifar10/train/horse/0001.jpg"]
    assert [(item.category, item.label) for item in test] == [("airplane", 1)] * 2 + [("horse", 0)] * 2
    assert {item.domain for item in train + test} == {"cifar10"}
    assert train[1].read().shape == (32, 32, 3)


@pytest.mark.parametrize("place", ["cifar10/cifar-10-batches-bin", "cifar-10-batches-bin"])
def test_a_binary_record_is_a_class_and_three_planes(tmp_path: Path, place: str):
    write_binary(tmp_path, place)
    train, test = CIFAR10.train_items(tmp_path, "airplane"), CIFAR10.test_items(tmp_path, "airplane", "cifar10")
    assert [item.path for item in train[:3]] == [
        "cifar10/train/data_batch_1/00000",
        "cifar10/train/data_batch_1/00002",
        "cifar10/train/data_batch_2/00000",
    ]
    assert len(train) == 2 * 5
    assert [(item.category, item.label) for item in test] == [("airplane", 0), ("horse", 1), ("airplane", 0)]
    image = pickle.loads(pickle.dumps(test[1])).read()
    assert image.shape == (32, 32, 3)
    # the second pixel of the second row: red, then green and blue 1,024 bytes further each
    assert image[1, 1].tolist() == [RECORDS[1, 1 + 33 + plane * 1024] for plane in range(3)]


def test_a_missing_class_is_reported(tmp_path: Path):
    write_folders(tmp_path)
    with pytest.raises(ValueError, match=r"no folder .*cifar10/train/frog; expected images in it"):
        CIFAR10.train_items(tmp_path, "frog")


def test_an_empty_class_is_reported(tmp_path: Path):
    write_folders(tmp_path)
    (tmp_path / "cifar10" / "test" / "bird").mkdir()
    with pytest.raises(ValueError, match=r"no images in .*cifar10/test/bird; expected PNG, JPEG"):
        CIFAR10.test_items(tmp_path, "horse", "cifar10")


def test_a_class_without_anomalies_is_reported(tmp_path: Path):
    folder = tmp_path / "cifar10" / "test" / "horse"
    folder.mkdir(parents=True)
    PIL.Image.new("RGB", (32, 32)).save(folder / "0.png")
    with pytest.raises(ValueError, match=r"no anomalies in .*cifar10; expected images of something other than 'horse'"):
        CIFAR10.test_items(tmp_path, "horse", "cifar10")


def test_a_missing_binary_file_is_reported(tmp_path: Path):
    (write_binary(tmp_path, "cifar-10-batches-bin") / "data_batch_3.bin").unlink()
    with pytest.raises(ValueError, match=r"no file .*data_batch_3\.bin; expected all files of CIFAR-10 in that folder"):
        CIFAR10.train_items(tmp_path, "airplane")


@pytest.mark.parametrize("content", [b"", RECORDS.tobytes()[:-1]])
def test_a_truncated_binary_file_is_reported(tmp_path: Path, content: bytes):
    (write_binary(tmp_path, "cifar-10-batches-bin") / "test_batch.bin").write_bytes(content)
    with pytest.raises(ValueError, match=r"test_batch\.bin has \d+ bytes, expected a multiple of 3073; download"):
        CIFAR10.test_items(tmp_path, "airplane", "cifar10")


def test_a_class_above_nine_is_reported(tmp_path: Path):
    records = RECORDS.copy()
    records[1, 0] = 10
    (write_binary(tmp_path, "cifar-10-batches-bin") / "test_batch.bin").write_bytes(records.tobytes())
    with pytest.raises(ValueError, match=r"test_batch\.bin has a class above 9"):
        CIFAR10.test_items(tmp_path, "airplane", "cifar10")


def test_folders_in_any_case_are_the_same_classes(tmp_path: Path):
    write_folders(tmp_path)
    for split in ("train", "test"):
        (tmp_path / "cifar10" / split / "airplane").rename(tmp_path / "cifar10" / split / "Airplane")
        (tmp_path / "cifar10" / split).rename(tmp_path / "cifar10" / split.title())
    (tmp_path / "cifar10").rename(tmp_path / "CIFAR10")
    items = CIFAR10.test_items(tmp_path, "horse", "cifar10")
    assert [(item.category, item.label) for item in items] == [("airplane", 1)] * 2 + [("horse", 0)] * 2
    assert len(CIFAR10.train_items(tmp_path, "airplane")) == 2

from __future__ import annotations

import gzip
import io
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from gnl_core.datasets.arrays import read_idx, read_npz
from gnl_core.datasets.mnist import MNIST
from gnl_core.datasets.mnist_arrays import mnist_arrays

DIGITS = np.array([4, 7, 4, 0], np.uint8)


def pictures(*, seed: int, channels: tuple[int, ...] = ()) -> np.ndarray:
    return np.random.default_rng(seed).integers(256, size=(4, 28, 28, *channels), dtype=np.uint8)


TRAIN, TEST, BLENDED = pictures(seed=0), pictures(seed=1), pictures(seed=2, channels=(3,))


def write_npz(root: Path) -> None:
    (root / "mnist").mkdir()
    np.savez(root / "mnist" / "mnist.npz", x_train=TRAIN, y_train=DIGITS, x_test=TEST, y_test=DIGITS)


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_idx(folder: Path, *, dot: str = "-", packed: bool = False) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for part, images in {"train": TRAIN, "t10k": TEST}.items():
        for name, array in {f"{part}-images{dot}idx3-ubyte": images, f"{part}-labels{dot}idx1-ubyte": DIGITS}.items():
            content = gzip.compress(idx(array)) if packed else idx(array)
            (folder / f"{name}{'.gz' if packed else ''}").write_bytes(content)


LAYOUTS = {
    "npz": write_npz,
    "idx": lambda root: write_idx(root / "mnist"),
    "idx.gz": lambda root: write_idx(root / "mnist", packed=True),
    "dotted": lambda root: write_idx(root / "mnist", dot="."),
    "torchvision": lambda root: write_idx(root / "MNIST" / "raw"),
    "torchvision in mnist": lambda root: write_idx(root / "mnist" / "MNIST" / "raw", packed=True),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_mnist_is_the_same_in_every_layout(tmp_path: Path, layout: str):
    LAYOUTS[layout](tmp_path)
    train, test = MNIST.train_items(tmp_path, "4"), MNIST.test_items(tmp_path, "4", "mnist")
    assert [(item.path, item.label, item.category) for item in train] == [
        ("mnist/train/00000", 0, "4"),
        ("mnist/train/00002", 0, "4"),
    ]
    assert [(item.path, item.label, item.category) for item in test] == [
        ("mnist/test/00000", 0, "4"),
        ("mnist/test/00001", 1, "7"),
        ("mnist/test/00002", 0, "4"),
        ("mnist/test/00003", 1, "0"),
    ]
    assert {item.domain for item in train + test} == {"mnist"}
    np.testing.assert_array_equal(train[1].read(), np.dstack([TRAIN[2]] * 3))
    np.testing.assert_array_equal(test[3].read(), np.dstack([TEST[3]] * 3))


def test_an_item_can_be_sent_to_another_process_and_changed_there(tmp_path: Path):
    write_npz(tmp_path)
    item = pickle.loads(pickle.dumps(MNIST.test_items(tmp_path, "4", "mnist")[0]))
    item.read()[:] = 0
    np.testing.assert_array_equal(item.read()[..., 1], TEST[0])


def test_the_whole_arrays_can_be_read(tmp_path: Path):
    write_npz(tmp_path)
    images, classes = mnist_arrays(tmp_path, "test")
    np.testing.assert_array_equal(images, TEST)
    assert classes == ["4", "7", "4", "0"]


def test_mnist_m_is_read_from_an_array_file(tmp_path: Path):
    (tmp_path / "mnist_m").mkdir()
    np.savez(tmp_path / "mnist_m" / "mnist_m_test.npz", x_test=BLENDED, y_test=DIGITS.astype(np.int64))
    items = MNIST.test_items(tmp_path, "7", "mnist_m")
    assert [(item.path, item.label) for item in items[:2]] == [("mnist_m/test/00000", 1), ("mnist_m/test/00001", 0)]
    np.testing.assert_array_equal(items[2].read(), BLENDED[2])


def write_mnist_m(folder: Path, *, labels: str) -> None:
    (folder / "mnist_m_test").mkdir(parents=True)
    for index, image in enumerate(BLENDED):
        PIL.Image.fromarray(image).save(folder / "mnist_m_test" / f"{index:08d}.png")
    (folder / "mnist_m_test_labels.txt").write_text(labels)


LABELS = "00000000.png 4\n00000001.png 7\n00000003.png 0\n00000002.png 4\n"


@pytest.mark.parametrize("place", ["mnist_m", "mnist_m/mnist_m"])
def test_mnist_m_is_read_from_image_files_and_their_labels(tmp_path: Path, place: str):
    write_mnist_m(tmp_path / place, labels=LABELS)
    items = MNIST.test_items(tmp_path, "4", "mnist_m")
    assert [(item.path, item.label, item.category) for item in items] == [
        ("mnist_m/mnist_m_test/00000000.png", 0, "4"),
        ("mnist_m/mnist_m_test/00000001.png", 1, "7"),
        ("mnist_m/mnist_m_test/00000002.png", 0, "4"),
        ("mnist_m/mnist_m_test/00000003.png", 1, "0"),
    ]
    np.testing.assert_array_equal(items[3].read(), BLENDED[3])


def test_an_image_without_label_is_reported(tmp_path: Path):
    write_mnist_m(tmp_path / "mnist_m", labels="00000000.png 4\n")
    with pytest.raises(ValueError, match=r"00000001\.png has no label; expected a line for it in mnist_m_test_labels"):
        MNIST.test_items(tmp_path, "4", "mnist_m")


@pytest.mark.parametrize("line", ["00000001.png", "00000001.png ten", "a b 1"])
def test_a_line_that_is_not_a_label_is_reported_with_its_number(tmp_path: Path, line: str):
    write_mnist_m(tmp_path / "mnist_m", labels=f"00000000.png 4\n{line}\n")
    with pytest.raises(ValueError, match=r"line 2 of .*mnist_m_test_labels\.txt is '.*'; expected a line like"):
        MNIST.test_items(tmp_path, "4", "mnist_m")


def test_a_missing_list_of_labels_is_reported(tmp_path: Path):
    write_mnist_m(tmp_path / "mnist_m", labels="")
    (tmp_path / "mnist_m" / "mnist_m_test_labels.txt").unlink()
    with pytest.raises(ValueError, match=r"no readable list of labels at .*mnist_m_test_labels\.txt; expected"):
        MNIST.test_items(tmp_path, "4", "mnist_m")


def test_missing_data_is_reported_with_the_expected_layout(tmp_path: Path):
    with pytest.raises(ValueError, match=r"no MNIST train images in .*mnist; expected mnist/mnist\.npz, or"):
        MNIST.train_items(tmp_path, "4")
    with pytest.raises(ValueError, match=r"no folder .*mnist_m_test; expected mnist_m/mnist_m_test\.npz, or"):
        MNIST.test_items(tmp_path, "4", "mnist_m")


def test_a_class_without_images_and_one_without_anomalies_are_reported(tmp_path: Path):
    write_npz(tmp_path)
    with pytest.raises(ValueError, match=r"no digit '9' among the training images in .*mnist\.npz"):
        MNIST.train_items(tmp_path, "9")
    (tmp_path / "mnist_m").mkdir()
    np.savez(tmp_path / "mnist_m" / "mnist_m_test.npz", x_test=BLENDED[:1], y_test=DIGITS[:1])
    with pytest.raises(ValueError, match=r"no anomalies in .*mnist_m_test\.npz; expected images of something other"):
        MNIST.test_items(tmp_path, "4", "mnist_m")


@pytest.mark.parametrize("labels", [DIGITS[:3], DIGITS + 7, DIGITS[None]])
def test_labels_that_do_not_fit_are_reported(tmp_path: Path, labels: np.ndarray):
    (tmp_path / "mnist").mkdir()
    np.savez(tmp_path / "mnist" / "mnist.npz", x_train=TRAIN, y_train=labels)
    with pytest.raises(ValueError, match=r"mnist\.npz holds labels of shape .*; expected 4 digits, 0 to 9"):
        MNIST.train_items(tmp_path, "4")


def test_images_of_another_kind_are_reported(tmp_path: Path):
    (tmp_path / "mnist").mkdir()
    np.savez(tmp_path / "mnist" / "mnist.npz", x_train=TRAIN.astype(np.int64), y_train=DIGITS)
    with pytest.raises(ValueError, match=r"mnist\.npz holds int64 of shape \(4, 28, 28\); expected uint8"):
        MNIST.train_items(tmp_path, "4")[0].read()


class Malice:
    def __reduce__(self) -> tuple:
        return (Path.touch, (Path("unpickled"),))


def test_objects_in_an_array_file_are_refused_and_not_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "a.npz", x=np.array([Malice()], dtype=object))
    with pytest.raises(ValueError, match=r"a\.npz contains 'x' as \(1,\) of object; expected integers"):
        read_npz(tmp_path / "a.npz", "x")
    assert not (tmp_path / "unpickled").exists()


def npz_promising(path: Path, shape: str) -> Path:
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".ljust(117).encode() + b"\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + b"few bytes")
    return path


@pytest.mark.parametrize(
    ("shape", "words"),
    [("(100000, 100000)", "expected integers, at most 1 GiB"), ("(1000,)", "is damaged"), ("(x", "no readable")],
)
def test_an_array_that_contradicts_its_header_is_refused(tmp_path: Path, shape: str, words: str):
    with pytest.raises(ValueError, match=rf"a\.npz.*{words}"):
        read_npz(npz_promising(tmp_path / "a.npz", shape), "x")


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04"])
def test_a_file_that_is_not_an_array_file_is_reported(tmp_path: Path, content: bytes):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.npz contains no readable array 'x' \(.*\); download the file again"):
        read_npz(tmp_path / "a.npz", "x")


def test_a_missing_array_is_reported_by_name(tmp_path: Path):
    np.savez(tmp_path / "a.npz", y=DIGITS)
    with pytest.raises(ValueError, match=r"a\.npz contains no readable array 'x' \(.*x\.npy.*\)"):
        read_npz(tmp_path / "a.npz", "x")


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not a readable IDX file"),
        (b"\x00\x00\x0d\x01\x00\x00\x00\x01abcd", "unsigned bytes"),
        (idx(DIGITS)[:-1], "too few or too many bytes"),
        (idx(DIGITS) + b"x", "too few or too many bytes"),
        (struct.pack(">HBB3I", 0, 8, 3, 100_000, 100_000, 100_000), "too large"),
    ],
)
def test_a_damaged_idx_file_is_reported(tmp_path: Path, content: bytes, words: str, packed: bool):
    path = tmp_path / ("a.gz" if packed else "a")
    path.write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(ValueError, match=rf"{path.name} .*{words}"):
        read_idx(path)


@pytest.mark.parametrize(("name", "content"), [("a.gz", idx(TRAIN)), ("a", gzip.compress(idx(TRAIN)))])
def test_an_idx_file_is_unpacked_by_its_content_not_its_ending(tmp_path: Path, name: str, content: bytes):
    (tmp_path / name).write_bytes(content)
    np.testing.assert_array_equal(read_idx(tmp_path / name), TRAIN)


@pytest.mark.parametrize("content", [b"no gzip", gzip.compress(idx(TRAIN))[:-100]])
def test_a_damaged_gzip_is_reported(tmp_path: Path, content: bytes):
    (tmp_path / "a.gz").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.gz is not a readable IDX file \(.*\); download the file again"):
        read_idx(tmp_path / "a.gz")


def test_a_file_that_leads_out_of_the_root_is_refused(tmp_path: Path):
    buffer = io.BytesIO()
    np.savez(buffer, x_train=TRAIN, y_train=DIGITS)
    (tmp_path / "outside.npz").write_bytes(buffer.getvalue())
    (tmp_path / "root" / "mnist").mkdir(parents=True)
    (tmp_path / "root" / "mnist" / "mnist.npz").symlink_to(tmp_path / "outside.npz")
    with pytest.raises(ValueError, match=r"mnist\.npz leads out of .*root through a symlink"):
        MNIST.train_items(tmp_path / "root", "4")

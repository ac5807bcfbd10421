from __future__ import annotations

import os
import pickle
import pickletools
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from gnl_core.datasets.cifar10 import CIFAR10
from gnl_core.datasets.cifar10_files import load_file, read_record

FILES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")
PLANES = np.random.default_rng(0).integers(256, size=(3, 3072), dtype=np.uint8)
CLASSES = [0, 7, 9]


def short(text: str) -> bytes:
    """SHORT_BINSTRING."""
    return b"U" + bytes([len(text)]) + text.encode()


def block(content: bytes) -> bytes:
    """BINSTRING."""
    return b"T" + len(content).to_bytes(4, "little") + content


def number(value: int) -> bytes:
    """BININT2."""
    return b"M" + value.to_bytes(2, "little")


def array(planes: np.ndarray, *, kind: str = "u1", by_column: bool = False) -> bytes:
    """What Python 2 and NumPy write for an array: `_reconstruct` called, then its state set."""
    empty = (
        b"cnumpy.core.multiarray\n_reconstruct\nq\x05cnumpy\nndarray\nq\x06K\x00\x85q\x07" + short("b") + b"q\x08\x87"
    )
    shape = b"".join(map(number, planes.shape)) + b"\x86q\x0a"
    kind_of = b"cnumpy\ndtype\nq\x0b" + short(kind) + b"q\x0cK\x00K\x01\x87q\x0dRq\x0e"
    kind_state = b"(K\x03" + short("|") + b"q\x0fNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x10b"
    order = b"\x88" if by_column else b"\x89"
    return empty + b"q\x09R(K\x01" + shape + kind_of + kind_state + order + block(planes.tobytes()) + b"q\x11tq\x12b"


def labels(classes: Sequence[int]) -> bytes:
    """A list of small whole numbers."""
    return b"]q\x13(" + b"".join(b"K" + bytes([value]) for value in classes) + b"e"


def pickled(**values: bytes) -> bytes:
    """A dictionary as Python 2 pickles it in protocol 2, in the order of the originals."""
    standard = {"batch_label": short("testing batch 1 of 1"), "labels": labels(CLASSES), "data": array(PLANES)}
    names = b"](" + b"".join(short(f"camion_s_{index}.png") for index in range(3)) + b"e"
    pairs = (standard | {"filenames": names} | values).items()
    return b"\x80\x02}q\x01(" + b"".join(short(key) + b"q\x02" + value for key, value in pairs) + b"u."


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data_batch_1"


def test_the_handmade_pickle_is_a_valid_pickle(file: Path):
    opened = pickle.loads(pickled(), encoding="latin1")
    assert opened["labels"] == CLASSES
    np.testing.assert_array_equal(opened["data"], PLANES)


def test_classes_and_planes_are_found_in_a_pickle(file: Path):
    file.write_bytes(pickled())
    found = load_file(file)
    assert found.classes.tolist() == CLASSES
    np.testing.assert_array_equal(found.planes, PLANES)


def test_the_order_of_the_keys_does_not_matter(file: Path):
    file.write_bytes(b"\x80\x02}(" + short("data") + array(PLANES) + short("labels") + labels(CLASSES) + b"u.")
    assert load_file(file).classes.tolist() == CLASSES
    np.testing.assert_array_equal(load_file(file).planes, PLANES)


def test_a_record_is_three_planes(file: Path):
    file.write_bytes(pickled())
    image = read_record(file, 1)
    assert image.shape == (32, 32, 3)
    # the second pixel of the second row: red, then green and blue 1,024 bytes further each
    assert image[1, 1].tolist() == [PLANES[1, 33 + plane * 1024] for plane in range(3)]


@pytest.mark.parametrize("place", ["cifar10/cifar-10-batches-py", "cifar-10-batches-py"])
def test_the_python_version_gives_the_items_and_images_of_the_binary_one(tmp_path: Path, place: str):
    records = np.column_stack([np.array(CLASSES, np.uint8), PLANES])
    for root, folder, ending, content in (
        ("bin", "cifar-10-batches-bin", ".bin", records.tobytes()),
        ("py", place, "", pickled()),
    ):
        (tmp_path / root / folder).mkdir(parents=True)
        for name in FILES:
            (tmp_path / root / folder / f"{name}{ending}").write_bytes(content)
    for items in (CIFAR10.train_items, lambda root, name: CIFAR10.test_items(root, name, "cifar10")):
        from_binary, from_pickle = items(tmp_path / "bin", "horse"), items(tmp_path / "py", "horse")
        without_files = [
            [item._replace(read=None, file=None) for item in listed] for listed in (from_pickle, from_binary)
        ]
        assert without_files[0] == without_files[1]
        for expected, item in zip(from_binary, from_pickle, strict=True):
            np.testing.assert_array_equal(pickle.loads(pickle.dumps(item)).read(), expected.read())


class Malicious:
    """An object that creates a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.folder),)


def test_a_pickle_with_code_does_not_run_it(file: Path, tmp_path: Path):
    attack = pickle.dumps(Malicious(tmp_path / "made"), protocol=2)
    call = attack[2:-1]  # without PROTO and STOP
    for content in (attack, pickled(batch_label=call), pickled(filenames=call)):
        file.write_bytes(content)
        load_file.cache_clear()
        try:
            assert load_file(file).classes.tolist() == CLASSES
        except ValueError as error:
            assert "no list of classes" in str(error)
        assert not (tmp_path / "made").exists()
    pickle.loads(attack)
    assert (tmp_path / "made").exists()  # the attack works where it is let


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "pickle exhausted before"),
        (b"no pickle", "at position 0, opcode b'n' unknown"),
        (pickled()[:-9], ""),
        (pickle.dumps({"data": PLANES, "labels": CLASSES}), "no list of classes 0 to 9"),
        (pickled(labels=labels([])), "no list of classes 0 to 9"),
        (pickled(labels=labels([0, 1, 10])), "no list of classes 0 to 9"),
        (pickled(labels=labels([0, 1])), "no 3072 bytes for each of its 2 classes"),
        (pickled(data=array(PLANES[:, :3000])), "no 3072 bytes for each of its 3 classes"),
        (pickled(data=array(PLANES.reshape(6, 1536))), "no 3072 bytes for each of its 3 classes"),
        (pickled(data=array(PLANES) + array(PLANES)), "no 3072 bytes for each of its 3 classes"),
        (pickled(data=array(PLANES, kind="i1")), "not of unsigned bytes, row by row"),
        (pickled(data=array(PLANES, by_column=True)), "not of unsigned bytes, row by row"),
        (pickled(filenames=b"N" * 1000), "too many operations"),
    ],
)
def test_a_damaged_or_foreign_pickle_is_reported_in_one_sentence(file: Path, content: bytes, words: str):
    file.write_bytes(content)
    with pytest.raises(ValueError) as error:
        load_file(file)
    assert str(error.value).startswith(f"{file} cannot be read as CIFAR-10's Python version (")
    assert words in str(error.value)
    assert str(error.value).endswith("; download it again")
    assert "\n" not in str(error.value)


def test_any_damaged_byte_gives_images_or_one_sentence(file: Path):
    content = pickled()
    places = [place for _, _, place in pickletools.genops(content)]
    for place in places:
        file.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        load_file.cache_clear()
        try:
            assert load_file(file).planes.shape == (3, 3072)
        except ValueError as error:
            assert str(file) in str(error)


def test_an_overstated_length_allocates_no_memory(file: Path):
    file.write_bytes(b"\x80\x02}(" + short("data") + b"T\xff\xff\xff\x7f" + bytes(10000))
    tracemalloc.start()
    with pytest.raises(ValueError, match="cannot be read"):
        load_file(file)
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_a_file_that_is_too_large_is_not_read(file: Path):
    with file.open("wb") as stream:
        stream.truncate(2**26 + 1)
    with pytest.raises(ValueError, match=r"data_batch_1 cannot be read .*\(it has 67108865 bytes\)"):
        load_file(file)

from __future__ import annotations

import os
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from gnl_core.datasets.base import Item, Mask
from gnl_core.datasets.images import UnreadableImageError, read_mask
from gnl_core.datasets.layout import image_item
from gnl_core.downloads.arranging import plan_places, write_layout
from gnl_core.files import UnreadableFileError
from tests.gnl_core.datasets.sources.making import SIZE, names_in, write_image

MASK = np.zeros(SIZE[::-1], bool)
MASK[1, 2] = True
Grouped = tuple[Item, str]


def make_item(root: Path, name: str, *, label: int = 0, kind: str = "good", domain: str = "usual") -> Item:
    path = write_image(root / name)
    return image_item(path, base=root, label=label, domain=domain, category=kind)


def drawing(mask: Mask) -> Mask:
    return mask


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "source"


@pytest.fixture
def sides(source: Path) -> tuple[list[Grouped], list[Grouped]]:
    """Two images to train on; a normal one and one with a mask to score."""
    pit = make_item(source, "b/2.png", label=1, kind="pit")._replace(mask=partial(drawing, MASK))
    return (
        [(make_item(source, "a/1.png"), "x"), (make_item(source, "b/1.png"), "y")],
        [(make_item(source, "=3.png"), "z"), (pit, "z")],
    )


def listed(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_images_are_linked_masks_drawn_and_their_sources_listed(tmp_path: Path, source: Path, sides):
    output = tmp_path / "new" / "output"
    assert write_layout(plan_places(*sides), output, copy=False) == (4, 0, 1, 0)
    assert listed(output) == [
        "ground_truth/usual/pit/2_mask.png",
        "sources.csv",
        "test/usual/good/=3.png",
        "test/usual/pit/2.png",
        "train/good/a-1.png",
        "train/good/b-1.png",
    ]
    assert (output / "train/good/a-1.png").samefile(source / "a/1.png")
    np.testing.assert_array_equal(read_mask(output / "ground_truth/usual/pit/2_mask.png"), MASK)
    assert (output / "sources.csv").read_text().splitlines() == [
        "path,source,group",
        "train/good/a-1.png,a/1.png,x",
        "train/good/b-1.png,b/1.png,y",
        "test/usual/good/=3.png,'=3.png,z",
        "test/usual/pit/2.png,b/2.png,z",
    ]
    assert names_in(output.parent) == ["output"]
    assert output.stat().st_mode & 0o777 == 0o755


def test_copies_are_files_of_their_own(tmp_path: Path, source: Path, sides):
    output = tmp_path / "output"
    assert write_layout(plan_places(*sides), output, copy=True) == (0, 4, 1, 0)
    assert not (output / "train/good/a-1.png").samefile(source / "a/1.png")
    assert (output / "train/good/a-1.png").read_bytes() == (source / "a/1.png").read_bytes()


def test_images_are_copied_where_links_are_impossible(tmp_path: Path, sides, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise OSError("no links")

    monkeypatch.setattr(os, "link", refuse)
    assert write_layout(plan_places(*sides), tmp_path / "output", copy=False)[:2] == (0, 4)


def test_nothing_is_left_of_an_import_that_fails(tmp_path: Path, source: Path, sides):
    def fail() -> Mask:
        raise UnreadableFileError("damaged")

    training, (good, (pit, group)) = sides
    placements = plan_places(training, [good, (pit._replace(mask=fail), group)])
    with pytest.raises(UnreadableFileError):
        write_layout(placements, tmp_path / "output", copy=False)
    assert names_in(tmp_path) == ["source"]


def test_files_of_others_in_the_output_are_kept(tmp_path: Path, sides):
    output = tmp_path / "output"
    output.mkdir()
    (output / "thesis.txt").write_text("")
    with pytest.raises(OSError, match="not empty"):
        write_layout(plan_places(*sides), output, copy=False)
    assert names_in(tmp_path) == ["output", "source"]
    assert names_in(output) == ["thesis.txt"]


def test_an_empty_output_is_replaced_and_an_empty_mask_left_out(tmp_path: Path, sides):
    (tmp_path / "output").mkdir()
    training, (good, (pit, group)) = sides
    empty = pit._replace(mask=partial(drawing, np.zeros_like(MASK)))
    assert write_layout(plan_places(training, [good, (empty, group)]), tmp_path / "output", copy=False)[2:] == (0, 1)


def test_a_pipe_with_an_image_s_name_is_refused(tmp_path: Path, source: Path, sides):
    (source / "a/1.png").unlink()
    os.mkfifo(source / "a/1.png")
    with pytest.raises(UnreadableFileError, match="a named pipe"):
        write_layout(plan_places(*sides), tmp_path / "output", copy=True)


def test_mask_files_are_taken_with_their_image_s_new_name(tmp_path: Path, source: Path, sides):
    training, (good, (pit, group)) = sides
    mask_file = write_image(source / "masks/2_mask.png")
    first = make_item(source, "a/2.png", label=1, kind="pit")
    with_file = pit._replace(mask_files=(mask_file,))
    write_layout(plan_places(training, [good, (first, ""), (with_file, group)]), tmp_path / "output", copy=False)
    assert (tmp_path / "output/ground_truth/usual/pit/b-2_mask.png").samefile(mask_file)


def test_names_that_would_share_a_mask_are_made_unique(source: Path):
    names = ("1.png", "1.PNG", "A.png", "a.jpg", "a_mask.png", "x-1.png", "x/1.png", "other\n.png")
    placements = plan_places([(make_item(source, name), "") for name in names], [])
    placed = [placement.path.name for placement in placements]
    assert placed[-1] == "other\n.png"
    stems = [Path(name).stem.lower().removesuffix("_mask") for name in placed]
    assert len(set(stems)) == len(names)


def test_a_domain_of_one_label_is_refused_before_anything_is_written(source: Path):
    with pytest.raises(ValueError, match="the domain 'usual' needs normal and anomalous images"):
        plan_places([], [(make_item(source, "1.png"), "")])


def test_unlabelled_images_to_score_are_in_one_folder(tmp_path: Path, source: Path):
    images = [(make_item(source, f"{n}.png", label=-1), "") for n in range(3)]
    write_layout(plan_places(images[:2], images[2:]), tmp_path / "output", copy=False)
    assert listed(tmp_path / "output") == ["sources.csv", "test/2.png", "train/good/0.png", "train/good/1.png"]


def test_a_source_that_vanishes_is_a_sentence(tmp_path: Path, source: Path, sides):
    shutil.rmtree(source)
    with pytest.raises((UnreadableImageError, FileNotFoundError), match="no file"):
        write_layout(plan_places(*sides), tmp_path / "output", copy=False)

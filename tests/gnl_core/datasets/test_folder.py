from __future__ import annotations

import pickle
from pathlib import Path

import PIL.Image
import pytest

from gnl_core.datasets.folder import open_folder


def write_images(folder: Path, *names: str, mode: str = "RGB", size: tuple[int, int] = (6, 4)) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.new(mode, size, 255 if mode == "L" else 0).save(folder / name)


def rows(items: list) -> list[tuple[str, int, str]]:
    return [(item.path, item.label, item.category) for item in items]


def test_test_folders_of_folders_are_domains(tmp_path: Path):
    write_images(tmp_path, "train/good/1.png", "test/day/good/2.png", "test/day/dent/3.png", "test/night/dent/4.png")
    write_images(tmp_path, "test/night/good/5.png")
    write_images(tmp_path, "ground_truth/day/dent/3_mask.png", mode="L")
    spec = open_folder(tmp_path)
    assert (spec.classes, spec.domains) == (("good",), ("day", "night"))
    assert rows(spec.train_items(None, "good")) == [("train/good/1.png", 0, "good")]
    day, night = (spec.test_items(None, "good", domain) for domain in spec.domains)
    assert rows(day) == [("test/day/dent/3.png", 1, "dent"), ("test/day/good/2.png", 0, "good")]
    assert rows(night) == [("test/night/dent/4.png", 1, "dent"), ("test/night/good/5.png", 0, "good")]
    assert {item.domain for item in [*spec.train_items(None, "good"), *day]} == {"day"}
    assert {item.domain for item in night} == {"night"}
    assert day[0].mask().all()
    assert (day[1].mask, night[0].mask) == (None, None)
    assert pickle.loads(pickle.dumps(day[0])).read().shape == (4, 6, 3)


@pytest.mark.parametrize("name", ["in_distribution", "original", "source"])
def test_a_domain_named_as_the_in_distribution_one_comes_first(tmp_path: Path, name: str):
    folders = (f"test/{domain}/{kind}/1.png" for domain in ("blur", name, "zoom") for kind in ("good", "dent"))
    write_images(tmp_path, "train/good/1.png", *folders)
    assert open_folder(tmp_path).domains == (name, "blur", "zoom")


def test_mvtecs_plain_layout_is_one_domain(tmp_path: Path):
    write_images(tmp_path, "train/good/1.png", "test/good/2.png", "test/dent/3.png")
    write_images(tmp_path, "ground_truth/dent/3_mask.png", mode="L")
    spec = open_folder(tmp_path)
    assert spec.domains == ("test",)
    items = spec.test_items(None, "good", "test")
    assert rows(items) == [("test/dent/3.png", 1, "dent"), ("test/good/2.png", 0, "good")]
    assert items[0].mask().shape == (4, 6)


@pytest.mark.parametrize("train", ["train", "normal", "train/good"])
@pytest.mark.parametrize("test", ["test", "images"])
def test_two_folders_of_images_are_enough_and_have_no_labels(tmp_path: Path, train: str, test: str):
    write_images(tmp_path, f"{train}/1.png", f"{test}/2.png", f"{test}/3.jpg")
    spec = open_folder(tmp_path)
    assert spec.domains == ("test",)
    assert rows(spec.train_items(None, "good")) == [(f"{train}/1.png", 0, "good")]
    assert rows(spec.test_items(None, "good", "test")) == [
        (f"{test}/2.png", -1, "unlabelled"),
        (f"{test}/3.jpg", -1, "unlabelled"),
    ]


def test_any_names_are_accepted(tmp_path: Path):
    folder = tmp_path / "Frau Müllers \"Äpfel\" & 'Birnen' 果"
    write_images(folder, "train/good/ein Bild.png", "test/Tag & Nacht/gröbere Schäden/it's 10%.png")
    write_images(folder, "test/Tag & Nacht/good/2.png")
    spec = open_folder(folder)
    assert spec.domains == ("Tag & Nacht",)
    _, item = spec.test_items(None, "good", "Tag & Nacht")
    assert rows([item]) == [("test/Tag & Nacht/gröbere Schäden/it's 10%.png", 1, "gröbere Schäden")]
    assert item.read().shape == (4, 6, 3)


def test_hidden_files_and_other_files_are_left_out(tmp_path: Path):
    write_images(tmp_path, "train/1.png", "test/2.png")
    (tmp_path / "test" / ".cache").mkdir()
    (tmp_path / "test" / "notes.txt").touch()
    spec = open_folder(tmp_path)
    assert [item.path for item in spec.test_items(None, "good", "test")] == ["test/2.png"]


def test_a_missing_folder_is_reported(tmp_path: Path):
    with pytest.raises(ValueError, match=r"no data folder is set; set GNL_DATA to it, or pass --data-root"):
        open_folder(None)
    with pytest.raises(ValueError, match=r"no data folder at .*none; set GNL_DATA"):
        open_folder(tmp_path / "none")
    with pytest.raises(ValueError, match=r"no folder .*train/good; .* has no folders; expected normal images there or"):
        open_folder(tmp_path)
    write_images(tmp_path, "train/1.png")
    with pytest.raises(
        ValueError, match=r"no folder .*/test; .* has train; expected images to score there or in a folder"
    ):
        open_folder(tmp_path)


def test_empty_folders_are_reported(tmp_path: Path):
    (tmp_path / "train" / "good").mkdir(parents=True)
    (tmp_path / "test").mkdir()
    spec = open_folder(tmp_path)
    with pytest.raises(ValueError, match=r"no images in .*train/good; expected PNG"):
        spec.train_items(None, "good")
    with pytest.raises(ValueError, match=r"no images in .*/test; expected PNG"):
        spec.test_items(None, "good", "test")


def test_a_domain_without_anomalies_is_reported(tmp_path: Path):
    write_images(tmp_path, "train/1.png", "test/day/good/2.png")
    with pytest.raises(ValueError, match=r"no anomalies in .*test/day; expected images of something other than 'good'"):
        open_folder(tmp_path).test_items(None, "good", "day")


@pytest.mark.parametrize("other", ["test/day/good/1.png", "test/loose.png"])
def test_mixed_layouts_are_reported(tmp_path: Path, other: str):
    write_images(tmp_path, "train/1.png", "test/dent/1.png", other)
    with pytest.raises(ValueError, match=r"/test mixes layouts; expected test/<domain>/<good or defect> or"):
        open_folder(tmp_path)


@pytest.mark.parametrize("name", ["train", "held_out", "day+fog"])
def test_a_domain_with_a_reserved_name_is_refused(tmp_path: Path, name: str):
    write_images(tmp_path, "train/1.png", f"test/{name}/dent/1.png", f"test/{name}/good/1.png")
    with pytest.raises(ValueError, match=r"cannot be a domain, since 'train' and 'held_out' and '\+' are reserved"):
        open_folder(tmp_path)


def test_a_mask_without_image_and_a_mask_of_another_size_are_reported(tmp_path: Path):
    write_images(tmp_path, "train/1.png", "test/day/dent/1.png", "test/day/good/1.png")
    write_images(tmp_path, "ground_truth/day/dent/1_mask.png", mode="L", size=(3, 3))
    with pytest.raises(ValueError, match=r"1_mask\.png has 3x3 pixels, its image .*1\.png has 6x4"):
        open_folder(tmp_path).test_items(None, "good", "day")[0].mask()
    write_images(tmp_path, "ground_truth/day/dent/2_mask.png", mode="L")
    with pytest.raises(ValueError, match=r"the mask .*2_mask\.png has no image"):
        open_folder(tmp_path).test_items(None, "good", "day")


@pytest.mark.parametrize("masks", ["dusk/dent", "day/crack"])
def test_masks_of_a_missing_domain_or_defect_are_reported(tmp_path: Path, masks: str):
    write_images(tmp_path, "train/1.png", "test/day/dent/1.png", "test/day/good/1.png")
    write_images(tmp_path, f"ground_truth/{masks}/1_mask.png", mode="L")
    with pytest.raises(ValueError, match=r"the masks in .*/(dusk|crack) have no images; expected images in .*/test/"):
        open_folder(tmp_path).test_items(None, "good", "day")


def test_masks_of_normal_images_are_skipped(tmp_path: Path):
    write_images(tmp_path, "train/1.png", "test/day/good/1.png", "test/day/dent/1.png")
    write_images(tmp_path, "ground_truth/day/good/1_mask.png", mode="L")
    assert [item.mask for item in open_folder(tmp_path).test_items(None, "good", "day")] == [None, None]


def test_a_symlink_that_leads_out_is_refused(tmp_path: Path):
    write_images(tmp_path, "root/train/1.png", "outside/2.png")
    (tmp_path / "root" / "test").symlink_to(tmp_path / "outside")
    with pytest.raises(ValueError, match=r"root/test leads out of .*root through a symlink"):
        open_folder(tmp_path / "root").test_items(None, "good", "test")


def test_the_label_of_unlabelled_images_is_defined_once():
    package = Path(__file__).parents[3]
    sources = [path for name in ("app", "gnl_core") for path in (package / name).rglob("*.py")]
    defining = [path.relative_to(package).as_posix() for path in sources if "\nUNLABELLED = " in path.read_text()]
    assert defining == ["gnl_core/datasets/base.py"]

"""Foreign folders: each accepted name and published layout is read, and ambiguous folders are refused."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from gnl_core.config.data import Split
from gnl_core.datasets import list_items, list_train_items
from gnl_core.datasets.base import Item
from gnl_core.datasets.folder import open_folder
from gnl_core.datasets.names import FOLDER_NAMES
from gnl_core.datasets.reading import Reading, describe_reading, format_reading

DOCS = Path(__file__).resolve().parents[3] / "docs" / "datasets.md"
MASKED = np.zeros((8, 8), np.uint8)
MASKED[2:5, 3:5] = 255  # 6 pixels


def write_images(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.new("RGB", (8, 8)).save(root / name)
    return root


def write_masks(root: Path, *names: str, levels: np.ndarray = MASKED) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(levels).save(root / name)
    return root


def scored_items(root: Path, domain: str = "test") -> list[Item]:
    return list_items("folder", normal_class="good", domain=domain, root=root)


def training_items(root: Path) -> list[Item]:
    return list_train_items("folder", normal_class="good", root=root)


def labels(items: list[Item]) -> dict[str, int]:
    return {item.path: item.label for item in items}


def spellings(name: str) -> set[str]:
    return {name, name.upper(), name.title(), name.replace("_", "-"), name.replace("_", " ")}


def listed_names() -> dict[str, tuple[str, ...]]:
    """The table of names in docs/datasets.md: meaning to names."""
    rows = re.findall(r"^\| (\w+) \| (`.*`) \|", DOCS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {meaning: tuple(re.findall(r"`([^`]+)`", names)) for meaning, names in rows if meaning in FOLDER_NAMES}


def test_the_page_lists_every_accepted_name_and_no_other():
    assert listed_names() == FOLDER_NAMES


def name_cases(meaning: str) -> list[str]:
    return sorted({spelling for name in listed_names()[meaning] for spelling in spellings(name)})


@pytest.mark.parametrize("name", name_cases("normal"))
def test_every_name_of_normal_images_is_taken_for_normal(tmp_path: Path, name: str):
    write_images(tmp_path, f"train/{name}/0.png", f"test/{name}/1.png", "test/hole/2.png")
    assert labels(training_items(tmp_path)) == {f"train/{name}/0.png": 0}
    assert labels(scored_items(tmp_path)) == {f"test/{name}/1.png": 0, "test/hole/2.png": 1}
    assert {item.category for item in scored_items(tmp_path)} == {"good", "hole"}


@pytest.mark.parametrize("name", name_cases("anomalous"))
def test_every_name_of_anomalous_images_is_taken_for_anomalous(tmp_path: Path, name: str):
    write_images(tmp_path, *(f"good/{number}.png" for number in range(20)), f"{name}/x.png")
    assert {item.path: item.label for item in scored_items(tmp_path) if item.label} == {f"{name}/x.png": 1}
    write_images(tmp_path / "sorted", "train/0.png", "test/good/1.png", f"test/{name}/2.png")
    assert labels(scored_items(tmp_path / "sorted"))[f"test/{name}/2.png"] == 1


@pytest.mark.parametrize("train", name_cases("training"))
@pytest.mark.parametrize("test", name_cases("test"))
def test_every_name_of_a_training_and_a_test_folder_is_read(tmp_path: Path, train: str, test: str):
    write_images(tmp_path, f"{train}/0.png", f"{test}/good/1.png", f"{test}/hole/2.png")
    assert labels(training_items(tmp_path)) == {f"{train}/0.png": 0}
    assert labels(scored_items(tmp_path)) == {f"{test}/good/1.png": 0, f"{test}/hole/2.png": 1}


@pytest.mark.parametrize("name", name_cases("masks"))
def test_every_name_of_a_mask_folder_is_read(tmp_path: Path, name: str):
    write_images(tmp_path, "train/0.png", "test/good/1.png", "test/hole/2.png")
    write_masks(tmp_path, f"{name}/hole/2.png")
    assert [item.mask().sum() for item in scored_items(tmp_path) if item.mask] == [6]


@pytest.mark.parametrize("ending", ["png", "PNG", "jpg", "JPEG", "bmp", "tif", "TIFF", "webp", "jfif"])
@pytest.mark.parametrize("stem", ["2_mask", "2_MASK", "2"])
@pytest.mark.parametrize("folder", ["ground_truth/hole", "ground_truth/Hole", "ground_truth", "test/masks"])
def test_a_mask_has_its_images_name_and_any_ending(tmp_path: Path, ending: str, stem: str, folder: str):
    write_images(tmp_path, "train/0.png", "test/good/2.png", "test/hole/2.JPG")
    mask = tmp_path / folder / f"{stem}.{ending}"
    mask.parent.mkdir(parents=True)
    PIL.Image.fromarray(MASKED).save(mask, format="PNG")
    assert {item.path: int(item.mask().sum()) for item in scored_items(tmp_path) if item.mask} == {"test/hole/2.JPG": 6}


def test_a_jpeg_mask_of_a_square_of_100_pixels_has_100_pixels(tmp_path: Path):
    square = np.zeros((40, 40), np.uint8)
    square[13:23, 5:15] = 255
    write_images(tmp_path, "train/0.png", "test/good/1.png")
    (tmp_path / "test" / "hole").mkdir()
    PIL.Image.new("RGB", (40, 40)).save(tmp_path / "test" / "hole" / "2.png")
    write_masks(tmp_path, "ground_truth/hole/2_mask.jpg", levels=square)
    with pytest.warns(UserWarning, match="more than two grey levels"):
        assert [item.mask().sum() for item in scored_items(tmp_path) if item.mask] == [100]


def test_visa_as_published_is_read_and_divided(tmp_path: Path):
    images = tmp_path / "Data" / "Images"
    write_images(images, *(f"Normal/{number:04d}.JPG" for number in range(50)), "Anomaly/000.JPG", "Anomaly/001.JPG")
    write_masks(tmp_path, "Data/Masks/Anomaly/000.png", levels=MASKED // 255)
    (tmp_path / "image_anno.csv").touch()
    normal = {f"Data/Images/Normal/{number:04d}.JPG" for number in range(50)}
    learnt, scored = set(labels(training_items(tmp_path))), labels(scored_items(tmp_path))
    assert {path for path, label in scored.items() if label} == {f"Data/Images/Anomaly/00{n}.JPG" for n in (0, 1)}
    assert learnt | {path for path, label in scored.items() if not label} == normal
    assert not learnt & set(scored)
    assert [item.mask().sum() for item in scored_items(tmp_path) if item.mask] == [6]


def test_visas_one_class_layout_is_read(tmp_path: Path):
    write_images(tmp_path, "train/good/0.JPG", "test/good/1.JPG", "test/bad/2.JPG")
    write_masks(tmp_path, "ground_truth/bad/2.png", levels=MASKED // 255)
    assert labels(scored_items(tmp_path)) == {"test/bad/2.JPG": 1, "test/good/1.JPG": 0}
    assert [item.mask().sum() for item in scored_items(tmp_path) if item.mask] == [6]


@pytest.mark.parametrize(("image", "mask"), [("png", "png"), ("bmp", "png"), ("bmp", "bmp")])
def test_btad_is_read(tmp_path: Path, image: str, mask: str):
    write_images(tmp_path, f"train/ok/0.{image}", f"test/ok/1.{image}", f"test/ko/2.{image}")
    write_masks(tmp_path, f"ground_truth/ko/2.{mask}")
    assert labels(training_items(tmp_path)) == {f"train/ok/0.{image}": 0}
    assert labels(scored_items(tmp_path)) == {f"test/ko/2.{image}": 1, f"test/ok/1.{image}": 0}
    assert [item.mask().sum() for item in scored_items(tmp_path) if item.mask] == [6]


def test_two_folders_of_normal_images_are_both_used_and_reported(tmp_path: Path):
    write_images(tmp_path, "train/Good/0.png", "train/ok/1.png", "test/good/2.png", "test/OK/3.png", "test/hole/4.png")
    assert describe_reading(tmp_path) == [
        Reading("train/Good", "training", "test", 1, 0),
        Reading("train/ok", "training", "test", 1, 0),
        Reading("test/OK", "normal", "test", 1, 0),
        Reading("test/good", "normal", "test", 1, 0),
        Reading("test/hole", "anomalous", "test", 1, 0),
    ]


def test_the_interpretation_of_folders_is_one_line(tmp_path: Path):
    write_images(tmp_path, "normal/0.png", "test/OK/1.png", "test/hole/2.png", "test/hole/3.png")
    write_masks(tmp_path, "gt/hole/2.png")
    assert format_reading(tmp_path) == [
        f"read {tmp_path}: normal: 1 training; test/OK: 1 normal; test/hole: 2 anomalous (1 with a mask)"
    ]


def test_spellings_of_domains_and_their_masks_fit(tmp_path: Path):
    for domain in ("night", "In-Distribution"):
        write_images(tmp_path, "train/0.png", f"test/{domain}/OK/1.png", f"test/{domain}/hole/2.png")
    write_masks(tmp_path, "Masks/Night/Hole/2.png", "Masks/In-Distribution/2.png")
    assert open_folder(tmp_path).domains == ("In-Distribution", "night")
    for domain in ("In-Distribution", "night"):
        assert [item.mask().sum() for item in scored_items(tmp_path, domain) if item.mask] == [6]


class TestUnclear:
    def refused(self, root: Path, words: str) -> None:
        with pytest.raises(ValueError, match=words):
            (training_items(root), scored_items(root))

    def test_a_message_names_the_first_of_many_folders_and_stays_short(self, tmp_path: Path):
        write_images(tmp_path, *(f"{number:02}{'x' * 200}/0.png" for number in range(20)))
        with pytest.raises(
            ValueError, match=r"00x+…x+, .*, 12 more; expected .* or another name in docs/datasets\.md"
        ) as told:
            open_folder(tmp_path)
        assert len(str(told.value).replace(str(tmp_path), "")) < 1000

    def test_a_test_folder_without_normal_images_names_what_it_has_and_what_is_accepted(self, tmp_path: Path):
        write_images(tmp_path, "train/0.png", "test/gut/1.png", "test/hole/2.png")
        self.refused(
            tmp_path,
            r"no folder of normal images in .*test, which has gut, hole; expected .* good, ok, .*another name",
        )

    def test_a_training_folder_without_normal_images_names_what_it_has(self, tmp_path: Path):
        write_images(tmp_path, "train/gut/0.png", "test/good/1.png", "test/hole/2.png")
        self.refused(tmp_path, r"no normal images to train on in .*train, which has gut; expected .* good, ok")

    def test_a_folder_without_known_subfolders_is_reported_with_its_contents(self, tmp_path: Path):
        write_images(tmp_path, "gut/0.png", "schlecht/1.png")
        self.refused(tmp_path, r"no folder .*train/good; .* has gut, schlecht; expected normal .* good, ok, .*bad, ng")

    @pytest.mark.parametrize(
        ("names", "told"),
        [
            (("train/0.png", "Training/0.png"), "Training and .*train"),
            (("train/0.png", "Train/0.png"), "Train and .*train"),
            (("train/0.png", "Test/hole/0.png"), "Test and .*test"),
            (("train/0.png", "masks/hole/2.png", "ground_truth/hole/2.png"), "ground_truth and .*masks"),
        ],
    )
    def test_two_folders_of_one_meaning_are_both_named(self, tmp_path: Path, names: tuple[str, ...], told: str):
        write_images(tmp_path, *names, "test/good/1.png", "test/hole/2.png")
        if len(list(tmp_path.iterdir())) < len({name.split("/")[0] for name in (*names, "test/")}):
            pytest.skip("this file system does not tell upper from lower case")
        self.refused(tmp_path, f"{told} have names of the same meaning; expected only one of them")

    def test_anomalous_images_beside_a_test_folder_are_named(self, tmp_path: Path):
        write_images(tmp_path, "good/0.png", "bad/1.png", "test/good/1.png", "test/hole/2.png")
        self.refused(tmp_path, r"/test and .*/bad could both contain the images to score; keep one")

    def test_an_unknown_folder_beside_good_and_bad_is_named(self, tmp_path: Path):
        write_images(tmp_path, "good/0.png", "bad/1.png", "scratch/2.png")
        self.refused(tmp_path, r"/scratch is neither normal nor anomalous by its name; move it below .*/test")

    def test_images_beside_a_folder_of_normal_images_are_reported(self, tmp_path: Path):
        write_images(tmp_path, "train/good/0.png", "train/1.png", "test/good/1.png", "test/hole/2.png")
        self.refused(tmp_path, r"/train has images next to good; expected all of them in such a folder")

    @pytest.mark.parametrize("masks", [("hole/2.png", "hole/2_mask.png"), ("hole/2.png", "2.png"), ("2.png", "2.tif")])
    def test_two_masks_of_one_image_are_both_named(self, tmp_path: Path, masks: tuple[str, str]):
        write_images(tmp_path, "train/0.png", "test/good/1.png", "test/hole/2.png")
        write_masks(tmp_path, *(f"masks/{name}" for name in masks))
        with pytest.raises(ValueError, match=r"hole/2\.png has two masks, .* and .*; remove one") as error:
            scored_items(tmp_path)
        assert all(str(tmp_path / "masks" / name) in str(error.value) for name in masks)

    @pytest.mark.parametrize("images", [("hole/2.png", "hole/2.jpg"), ("hole/2.png", "dent/2.png")])
    def test_two_images_of_one_mask_are_both_named(self, tmp_path: Path, images: tuple[str, str]):
        write_images(tmp_path, "train/0.png", "test/good/1.png", *(f"test/{name}" for name in images))
        write_masks(tmp_path, "masks/2_mask.png")
        with pytest.raises(ValueError, match=r"2_mask\.png could be of .* or .*; rename") as error:
            scored_items(tmp_path)
        assert all(str(tmp_path / "test" / name) in str(error.value) for name in images)

    def test_two_defects_of_one_folder_of_masks_are_both_named(self, tmp_path: Path):
        write_images(tmp_path, "train/0.png", "test/good/1.png", "test/Deep hole/2.png", "test/deep_hole/2.png")
        write_masks(tmp_path, "masks/deep-hole/2.png")
        self.refused(tmp_path, r"masks/deep-hole could be of .*Deep hole or .*deep_hole; rename")

    def test_a_mask_beside_its_image_is_not_an_anomalous_image(self, tmp_path: Path):
        write_images(tmp_path, "train/0.png", "test/good/1.png", "test/hole/2.jpg", "test/hole/2_mask.png")
        self.refused(tmp_path, r"2_mask\.png has the name of a mask of an image in the same folder; expected masks")

    def test_a_mask_without_image_in_a_flat_folder_is_reported(self, tmp_path: Path):
        write_images(tmp_path, "train/0.png", "test/good/1.png", "test/hole/2.png")
        write_masks(tmp_path, "masks/1.png")  # a normal image's
        assert len(scored_items(tmp_path)) == 2
        write_masks(tmp_path, "masks/3.png")
        self.refused(tmp_path, r"the mask .*masks/3\.png has no image")

    def test_a_mask_outside_all_domains_is_reported(self, tmp_path: Path):
        write_images(tmp_path, "train/0.png", "test/day/good/1.png", "test/day/hole/2.png")
        write_masks(tmp_path, "masks/2.png")
        self.refused(tmp_path, r"the mask .*masks/2\.png is of no domain; expected masks in .*masks/<domain>")


def two_folders(root: Path, count: int = 60) -> Path:
    return write_images(root, *(f"ok/{number:03d}.png" for number in range(count)), "NG/x.png", "NG/y.png")


def normal_paths(root: Path, split: Split) -> tuple[set[str], set[str]]:
    """Normal images to train on and to test on."""
    spec = open_folder(root, split)
    scored = spec.test_items(root, "good", "test")
    return {item.path for item in spec.train_items(root, "good")}, {item.path for item in scored if item.label == 0}


def test_the_split_of_normal_images_is_fixed(tmp_path: Path):
    two_folders(tmp_path)
    learnt, scored = normal_paths(tmp_path, Split())
    assert not learnt & scored
    assert len(learnt | scored) == 60
    assert 4 <= len(scored) <= 22  # 12 are expected
    assert normal_paths(tmp_path, Split()) == (learnt, scored)
    assert normal_paths(tmp_path, Split(seed=1))[1] != scored
    assert len(normal_paths(tmp_path, Split(test_percent=60))[1]) > len(scored)


def test_added_or_removed_images_move_no_other_image_between_training_and_test(tmp_path: Path):
    two_folders(tmp_path)
    learnt, scored = normal_paths(tmp_path, Split())
    write_images(tmp_path, *(f"ok/{number:03d}a.png" for number in range(60)))
    for number in range(0, 60, 2):
        (tmp_path / f"ok/{number:03d}.png").unlink()
    learnt_later, scored_later = normal_paths(tmp_path, Split())
    assert not learnt & scored_later
    assert not scored & learnt_later


@pytest.mark.parametrize(("percent", "part"), [(0.001, "testing"), (99.999, "training")])
def test_a_split_that_leaves_no_images_is_reported(tmp_path: Path, percent: float, part: str):
    two_folders(tmp_path, count=3)
    with pytest.raises(ValueError, match=f"none of the 3 normal images is left for {part} .*choose another seed"):
        normal_paths(tmp_path, Split(test_percent=percent))


def test_a_split_is_reported(tmp_path: Path):
    two_folders(tmp_path)
    learnt, scored = normal_paths(tmp_path, Split(seed=7))
    assert describe_reading(tmp_path, Split(seed=7)) == [
        Reading("ok", "training", "test", len(learnt), 0),
        Reading("NG", "anomalous", "test", 2, 0),
        Reading("ok", "normal", "test", len(scored), 0),
    ]
    assert format_reading(tmp_path, Split(seed=7))[1:] == [
        "without a training folder, about 20 % of the normal images are kept for testing, chosen by file name and "
        "split seed 7"
    ]


def test_a_training_folder_needs_no_split(tmp_path: Path):
    write_images(tmp_path, "train/0.png", "test/good/1.png", "test/hole/2.png")
    assert normal_paths(tmp_path, Split(seed=3)) == ({"train/0.png"}, {"test/good/1.png"})

from __future__ import annotations

from pathlib import Path

import pytest

from gnl_core.datasets.base import Item
from gnl_core.datasets.mvtec2 import MVTEC2
from tests.gnl_core.datasets.trees import MARKED_PIXELS, write_images, write_masks, write_mvtec2


@pytest.fixture
def can(tmp_path: Path) -> Path:
    write_mvtec2(tmp_path)
    return tmp_path / "mvtec_ad_2/can"


def scored(can: Path, domain: str = "mvtec2") -> list[Item]:
    return MVTEC2.test_items(can.parents[1], "can", domain)


def names(items: list[Item]) -> list[str]:
    return [item.path.removeprefix("mvtec2/can/test_public/") for item in items]


@pytest.mark.parametrize(
    ("domain", "lights"),
    [
        ("mvtec2", ["regular"]),
        ("mvtec2_overexposed", ["overexposed"]),
        ("mvtec2_underexposed", ["underexposed"]),
        ("mvtec2_shift", ["shift_1", "shift_2", "shift_3"]),
    ],
)
def test_the_light_in_the_name_is_the_domain(can: Path, domain: str, lights: list[str]):
    items = scored(can, domain)
    assert names(items) == [
        f"{kind}/{n:03}_{light}.png" for kind in ("bad", "good") for n in (0, 1) for light in lights
    ]
    assert {(item.label, item.category, item.domain) for item in items} == {(1, "bad", domain), (0, "good", domain)}
    assert {item.mask().sum() for item in items if item.label} == {MARKED_PIXELS}


def test_runs_train_on_the_usual_light_and_leave_the_images_for_validation_out(can: Path):
    items = MVTEC2.train_items(can.parents[1], "can")
    assert [item.path for item in items] == [f"mvtec2/can/train/good/{n:03}_regular.png" for n in range(4)]
    assert {item.domain for item in items} == {"mvtec2"}


@pytest.mark.parametrize("part", ["private", "private_mixed"])
def test_the_private_parts_have_no_labels(can: Path, part: str):
    items = scored(can, f"mvtec2_{part}")
    assert {(item.label, item.category, item.mask) for item in items} == {(-1, "unlabelled", None)}
    assert {item.path.split("/")[2] for item in items} == {f"test_{part}"}


def test_a_missing_private_part_is_reported(can: Path):
    (can / "test_private").rename(can / "elsewhere")
    with pytest.raises(ValueError, match=r"no folder .*can/test_private; expected test_private/\*\.png of MVTec AD 2"):
        scored(can, "mvtec2_private")


def test_a_missing_light_is_reported(can: Path):
    for path in can.glob("test_public/**/*_overexposed*"):
        path.unlink()
    with pytest.raises(
        ValueError, match=r"no images in .*/test_public in the light .*names such as 000_overexposed\.png"
    ):
        scored(can, "mvtec2_overexposed")


def test_a_light_without_anomalies_is_reported(can: Path):
    for path in can.glob("test_public/**/bad/*_underexposed*"):
        path.unlink()
    with pytest.raises(ValueError, match=r"no anomalies in .*/test_public"):
        scored(can, "mvtec2_underexposed")


def test_images_of_other_names_are_in_no_domain(can: Path):
    write_images(can, "test_public/good/cover.png")
    assert all("cover" not in name for domain in MVTEC2.domains for name in names(scored(can, domain)))


def test_a_mask_without_an_image_is_reported(can: Path):
    write_masks(can, "test_public/ground_truth/bad/009_regular_mask.png")
    with pytest.raises(ValueError, match=r"the mask .*009_regular_mask\.png has no image"):
        scored(can)

from __future__ import annotations

import subprocess
import sys

import numpy as np
import PIL.Image
import PIL.ImageFilter
import pytest

from gnl_core.datasets.base import Item, Mask
from gnl_core.datasets.parts import CATEGORIES, CONDITIONS, GOOD, PARTS, read_mask, read_part, scenes, take_photograph

KINDS = [(category, defect) for category in CATEGORIES for defect in CATEGORIES[category].defects]
SEED = 12_003


def listed(category: str, domain: str = "parts") -> list[Item]:
    return PARTS.test_items(None, category, domain)


def dilated(mask: Mask, *, by_px: int) -> Mask:
    spots = PIL.Image.fromarray(mask).convert("L").filter(PIL.ImageFilter.MaxFilter(2 * by_px + 1))
    return np.asarray(spots) > 0


def difference(category: str, defect: str, seed: int, domain: str = "parts") -> np.ndarray:
    flawed, flawless = (read_part(category, kind, seed, domain).astype(int) for kind in (defect, GOOD))
    return np.abs(flawed - flawless).max(axis=2)


@pytest.mark.parametrize("category", PARTS.classes)
def test_120_good_parts_train_and_40_good_and_12_of_each_defect_are_tested(category: str):
    train = PARTS.train_items(None, category)
    assert len(train) == 120
    assert {(item.label, item.category, item.domain, item.mask) for item in train} == {(0, GOOD, "parts", None)}
    counts = {kind: sum(item.category == kind for item in listed(category)) for kind, _ in scenes(category)}
    assert counts == {GOOD: 40} | dict.fromkeys(CATEGORIES[category].defects, 12)


@pytest.mark.parametrize("category", PARTS.classes)
def test_each_category_has_at_least_four_defects(category: str):
    assert len(CATEGORIES[category].defects) >= 4


@pytest.mark.parametrize("category", PARTS.classes)
def test_defective_parts_alone_are_anomalous_and_have_a_mask(category: str):
    for item in listed(category):
        assert item.label == int(item.category != GOOD)
        assert (item.mask is not None) == (item.category != GOOD)


@pytest.mark.parametrize("category", PARTS.classes)
def test_no_scene_is_both_trained_on_and_tested(category: str):
    train = {item.read.args[2] for item in PARTS.train_items(None, category)}  # type: ignore[attr-defined]
    test = [seed for _, seed in scenes(category)]
    assert not train & set(test)
    assert len(set(test)) == len(test)


def test_every_path_names_one_image():
    items = [item for category in PARTS.classes for domain in PARTS.domains for item in listed(category, domain)]
    items += [item for category in PARTS.classes for item in PARTS.train_items(None, category)]
    assert len({item.path for item in items}) == len(items)
    assert listed("nut")[43].path == "parts/nut/test/scratch/003"


@pytest.mark.parametrize("domain", PARTS.domains)
@pytest.mark.parametrize("category", PARTS.classes)
def test_an_image_is_rgb_and_the_same_each_time(category: str, domain: str):
    item = listed(category, domain)[-1]
    image = item.read()
    assert image.shape == (128, 128, 3)
    assert image.dtype == np.uint8
    take_photograph.cache_clear()
    assert (image == item.read()).all()


def test_changing_an_image_leaves_the_next_one_as_it_is():
    item = listed("nut", "parts")[0]
    image = item.read()
    before = image.copy()
    image[:] = 0
    assert (item.read() == before).all()


@pytest.mark.parametrize("category", PARTS.classes)
def test_good_parts_differ_from_each_other(category: str):
    first, second = (read_part(category, GOOD, seed, "parts").astype(int) for seed in (0, 1))
    assert np.abs(first - second).mean() > 3


@pytest.mark.parametrize(("category", "defect"), KINDS)
def test_a_mask_marks_a_part_of_the_image_that_differs_from_the_flawless_scene(category: str, defect: str):
    for seed in range(SEED, SEED + 2):
        mask = read_mask(category, defect, seed)
        changed = difference(category, defect, seed)
        assert mask.dtype == np.bool_
        assert mask.shape == (128, 128)
        assert 20 <= mask.sum() < 0.4 * mask.size
        assert (changed[mask] > 0).mean() > 0.7
        assert changed[mask].max() >= 20


@pytest.mark.parametrize(("category", "defect"), KINDS)
def test_outside_its_mask_a_defect_changes_nothing_that_can_be_seen(category: str, defect: str):
    for seed in range(SEED, SEED + 2):
        changed = difference(category, defect, seed)
        mask = read_mask(category, defect, seed)
        assert changed[~mask].max() <= 2  # of 255
        assert (changed[~dilated(mask, by_px=3)] == 0).mean() > 0.99


@pytest.mark.parametrize("category", PARTS.classes)
def test_the_same_scene_and_mask_appear_in_every_domain(category: str):
    scene_of = [[item.read.args[:3] for item in listed(category, domain)] for domain in PARTS.domains]  # type: ignore[attr-defined]
    mask_of = [[item.mask and item.mask.args for item in listed(category, domain)] for domain in PARTS.domains]  # type: ignore[attr-defined]
    assert all(scenes_there == scene_of[0] for scenes_there in scene_of)
    assert all(masks_there == mask_of[0] for masks_there in mask_of)


@pytest.mark.parametrize("category", PARTS.classes)
def test_another_background_leaves_the_scene_itself_alone(category: str):
    def render(domain: str) -> np.ndarray:
        generators = (np.random.default_rng([SEED, stage]) for stage in range(2))
        return CATEGORIES[category].render(GOOD, *generators, CONDITIONS[domain])

    here, elsewhere = render("parts"), render("parts_background")
    assert here.dtype == np.float32
    if category == "nut":
        same = (here == elsewhere).all(axis=0)
        assert 0.2 < same.mean() < 0.6  # the nut, pixel for pixel, and nothing of the ground
    else:
        assert np.corrcoef(here.mean(axis=0).ravel(), elsewhere.mean(axis=0).ravel())[0, 1] > 0.5


@pytest.mark.parametrize("category", PARTS.classes)
def test_another_lamp_position_changes_more_than_brightness(category: str):
    here, bright, lit = (
        read_part(category, GOOD, SEED, domain).astype(float).mean(axis=2)
        for domain in ("parts", "parts_bright", "parts_lighting")
    )
    assert np.corrcoef(here.ravel(), bright.ravel())[0, 1] > 0.9
    assert np.corrcoef(here.ravel(), lit.ravel())[0, 1] < 0.9
    low, high = np.percentile(lit / (here + 1), [2, 98])
    assert high / low > 1.8  # one factor would leave the ratio constant


@pytest.mark.parametrize("category", PARTS.classes)
def test_each_shift_does_what_its_name_says(category: str):
    grey = {domain: read_part(category, GOOD, SEED, domain).astype(float).mean(axis=2) for domain in PARTS.domains}
    roughness = {domain: np.abs(np.diff(image, axis=1)).mean() for domain, image in grey.items()}
    assert grey["parts_bright"].mean() > grey["parts"].mean() + 25
    assert roughness["parts_blur"] < 0.8 * roughness["parts"]
    assert roughness["parts_noise"] > 1.2 * roughness["parts"]


def test_listing_and_rendering_need_no_heavy_library():
    heavy = "{'torch', 'scipy', 'sklearn', 'matplotlib'}"
    program = f"import sys, gnl_core.datasets.parts; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)

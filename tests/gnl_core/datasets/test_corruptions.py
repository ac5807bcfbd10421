from __future__ import annotations

import colorsys
import io
import itertools
import math
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import PIL.Image
import pytest
import scipy.ndimage
from sklearn.datasets import load_sample_images

from gnl_core.datasets.corruptions import CORRUPTIONS, SEVERITIES, corrupt, parse_shift

RANDOM = {"gaussian_noise", "shot_noise", "impulse_noise", "motion_blur", "fog", "uneven_lighting"}
every_corruption = pytest.mark.parametrize("name", CORRUPTIONS)
every_severity = pytest.mark.parametrize("severity", SEVERITIES)
ORACLE = {  # name in imagecorruptions, and the largest difference: it cuts values off where we round
    "brightness": ("brightness", 1),
    "contrast": ("contrast", 1),
    "defocus_blur": ("defocus_blur", 3),  # it also cuts the rim of radius 8 and 10
    "gaussian_noise": ("gaussian_noise", 1),
    "shot_noise": ("shot_noise", 1),
    "pixelate": ("pixelate", 0),
    "jpeg": ("jpeg_compression", 0),
}


def at_severities(name: str, *values: Any) -> pytest.MarkDecorator:
    """One case a severity: 1 with the first value, 5 with the last."""
    return pytest.mark.parametrize(("severity", name), list(zip(SEVERITIES, values, strict=True)))


def constant(*colour: int, side: int = 200) -> np.ndarray:
    return np.full((side, side, 3), colour, dtype=np.uint8)


def random_image(height: int = 40, width: int = 40) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def photographs() -> list[np.ndarray]:
    return [np.ascontiguousarray(photograph[::3, ::3]) for photograph in load_sample_images().images]


def difference(image: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.abs(image.astype(int) - other)


# What all of them promise.


@every_corruption
@pytest.mark.parametrize("size", [(28, 28), (33, 47), (90, 28)])
def test_size_and_type_do_not_change(name, size):
    image = random_image(*size)
    before = image.copy()
    for severity in SEVERITIES:
        corrupted = corrupt(image, name, severity=severity, seed=0)
        assert (corrupted.shape, corrupted.dtype) == (image.shape, np.uint8)
    assert np.array_equal(image, before)


@every_corruption
@pytest.mark.parametrize("value", [0, 128, 255])
def test_uniform_images_can_be_corrupted(name, value):
    with np.errstate(all="raise"):
        for severity in SEVERITIES:
            assert corrupt(constant(value, side=32), name, severity=severity, seed=0).shape == (32, 32, 3)


@every_corruption
def test_the_seed_determines_all_randomness(name, photographs):
    image = photographs[0]
    first, again, other = (corrupt(image, name, severity=3, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert np.array_equal(first, other) == (name not in RANDOM)


@pytest.mark.parametrize("name", [name for name in CORRUPTIONS if name != "fog"])  # fog: see below
@pytest.mark.parametrize("photograph", [0, 1])
def test_a_higher_severity_changes_a_photograph_more(name, photograph, photographs):
    image = photographs[photograph]
    changes = [difference(corrupt(image, name, severity=severity, seed=0), image).mean() for severity in SEVERITIES]
    assert changes[0] > 0.5
    assert all(weaker < stronger for weaker, stronger in itertools.pairwise(changes))


# The paper's four, and the others of ImageNet-C.


def test_brightness_adds_a_share_of_white_to_the_value():
    """Value 100 and 0.2 of 255 are 151; the other channels keep their ratio to it."""
    bright = corrupt(constant(100, 40, 20), "brightness", severity=2, seed=0)
    assert bright[0, 0].tolist() == [151, 60, 30]


def test_brightness_stops_at_white_and_makes_black_grey():
    assert corrupt(constant(250, 100, 0), "brightness", severity=2, seed=0)[0, 0].tolist() == [255, 102, 0]
    assert corrupt(constant(0), "brightness", severity=2, seed=0)[0, 0].tolist() == [51, 51, 51]


@at_severities("added", 0.1, 0.2, 0.3, 0.4, 0.5)
def test_brightness_is_a_sum_in_hue_saturation_value(severity, added):
    image = random_image(12, 12)
    expected = image.astype(float)
    for row, column in np.ndindex(12, 12):
        hue, saturation, value = colorsys.rgb_to_hsv(*image[row, column] / 255)
        expected[row, column] = np.array(colorsys.hsv_to_rgb(hue, saturation, min(value + added, 1))) * 255
    assert np.abs(corrupt(image, "brightness", severity=severity, seed=0) - expected).max() <= 0.5 + 1e-6


@at_severities("left", 40, 30, 20, 10, 5)
def test_contrast_shrinks_the_distance_from_each_channels_mean(severity, left):
    """Halves of mean ± 100 come to mean ± 100 times 0.4, 0.3, 0.2, 0.1, 0.05."""
    image = constant(140, 120, 100)
    image[:100] += 100
    image[100:] -= 100
    flat = corrupt(image, "contrast", severity=severity, seed=0)
    assert flat[0, 0].tolist() == [140 + left, 120 + left, 100 + left]
    assert flat[-1, -1].tolist() == [140 - left, 120 - left, 100 - left]


@pytest.mark.parametrize(
    ("severity", "radius", "rim"), [(1, 3, 0.1), (2, 4, 0.5), (3, 6, 0.5), (4, 8, 0.5), (5, 10, 0.5)]
)
def test_defocus_is_the_mean_over_a_softened_disk(severity, radius, rim, photographs):
    rows, columns = np.mgrid[-12:13, -12:13]
    soft = scipy.ndimage.gaussian_filter((rows**2 + columns**2 <= radius**2).astype(float), rim)
    image = photographs[0][:80, :60]
    expected = scipy.ndimage.correlate(image.astype(float), (soft / soft.sum())[..., None], mode="mirror")
    assert np.abs(corrupt(image, "defocus_blur", severity=severity, seed=0) - expected).max() < 0.6


@pytest.mark.parametrize("name", ["defocus_blur", "motion_blur"])
@every_severity
def test_blur_keeps_the_light_and_its_place(name, severity):
    image = constant(0)
    image[80:120, 80:120] = 255
    blurred = corrupt(image, name, severity=severity, seed=3).astype(float)
    assert blurred.mean() == pytest.approx(image.mean(), rel=0.01)
    assert scipy.ndimage.center_of_mass(blurred[..., 0]) == pytest.approx((99.5, 99.5), abs=0.75)
    assert np.all(corrupt(constant(137), name, severity=severity, seed=0) == 137)


@pytest.mark.parametrize("seed", range(10))
def test_motion_smears_along_a_line_within_45_degrees_of_the_horizontal(seed):
    image = constant(0)
    image[100, 100] = 255
    rows, columns = np.nonzero(corrupt(image, "motion_blur", severity=3, seed=seed)[..., 0])
    spread = np.linalg.svd(np.cov(rows, columns))
    assert spread.S[0] > 25
    assert spread.S[1] < 0.5
    assert abs(spread.U[1, 0]) >= math.cos(math.radians(46))


@at_severities("trail_px", (10, 3), (15, 5), (15, 8), (15, 12), (20, 15))
def test_motion_spreads_a_bar_over_half_a_gaussian(severity, trail_px, monkeypatch):
    monkeypatch.setattr(np.random, "default_rng", lambda seed: SimpleNamespace(uniform=lambda low, high: 0.0))
    radius, deviation = trail_px
    weights = np.exp(-0.5 * (np.arange(2 * radius + 1) / deviation) ** 2)
    image = constant(0)
    image[:, 98:103] = 255
    expected = np.convolve(np.full(5, 255), weights / weights.sum())
    row = corrupt(image, "motion_blur", severity=severity, seed=0)[100, :, 0].astype(float)
    assert np.sort(row)[::-1][: len(expected)] == pytest.approx(np.sort(expected)[::-1], abs=0.5 + 1e-6)


@at_severities("deviation", 0.08, 0.12, 0.18, 0.26, 0.38)
def test_gaussian_noise_has_the_stated_deviation(severity, deviation):
    """By the median distance from the mean, which clipping leaves alone: 0.6745 deviations."""
    noise = corrupt(constant(128), "gaussian_noise", severity=severity, seed=0) - 128.0
    assert np.median(np.abs(noise)) == pytest.approx(0.6745 * deviation * 255, rel=0.02, abs=0.5)
    assert noise.mean() == pytest.approx(0, abs=0.5)


def test_noise_is_clipped_at_black_and_white():
    assert np.mean(corrupt(constant(0), "gaussian_noise", severity=5, seed=0) == 0) == pytest.approx(0.5, abs=0.01)
    assert np.mean(corrupt(constant(255), "gaussian_noise", severity=5, seed=0) == 255) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(("severity", "photons"), [(1, 60), (2, 25)])
def test_shot_noise_varies_as_a_count_of_photons_does(severity, photons):
    """Of n photons at white, 64 n / 255 are counted on average, with as large a variance."""
    noisy = corrupt(constant(64), "shot_noise", severity=severity, seed=0).astype(float)
    assert noisy.mean() == pytest.approx(64, rel=0.01)
    assert noisy.std() == pytest.approx(math.sqrt(64 * 255 / photons), rel=0.01)


@pytest.mark.parametrize(("severity", "photons"), [(3, 12), (4, 5), (5, 3)])
def test_shot_noise_leaves_pixels_without_a_photon_black(severity, photons):
    noisy = corrupt(constant(64), "shot_noise", severity=severity, seed=0)
    assert set(np.unique(noisy)) <= {round(255 * count / photons) for count in range(photons + 1)}
    assert np.mean(noisy == 0) == pytest.approx(math.exp(-64 / 255 * photons), rel=0.03)


@at_severities("share", 0.03, 0.06, 0.09, 0.17, 0.27)
def test_impulse_noise_makes_the_stated_share_black_or_white(severity, share):
    noisy = corrupt(constant(100), "impulse_noise", severity=severity, seed=0)
    assert np.mean(noisy == 0) == pytest.approx(share / 2, abs=0.003)
    assert np.mean(noisy == 255) == pytest.approx(share / 2, abs=0.003)
    assert np.mean(noisy == 100) == pytest.approx(1 - share, abs=0.004)


@pytest.mark.parametrize(("severity", "block"), [(2, 2), (5, 4)])
def test_pixelation_repeats_the_mean_of_each_block(severity, block):
    image = random_image(40, 24)
    coarse = corrupt(image, "pixelate", severity=severity, seed=0)
    means = image.reshape(40 // block, block, 24 // block, block, 3).mean(axis=(1, 3))
    assert np.abs(coarse - means.repeat(block, axis=0).repeat(block, axis=1)).max() <= 1  # Pillow rounds twice


@at_severities("sides", 24, 20, 16, 12, 10)
def test_pixelation_leaves_the_stated_number_of_pixels(severity, sides):
    row = corrupt(random_image(40, 40), "pixelate", severity=severity, seed=0)[0]
    assert 1 + np.count_nonzero(np.any(np.diff(row.astype(int), axis=0), axis=1)) == sides


@at_severities("quality", 25, 18, 15, 10, 7)
def test_jpeg_is_pillows_round_trip(severity, quality, photographs):
    file = io.BytesIO()
    PIL.Image.fromarray(photographs[0]).save(file, "JPEG", quality=quality)
    assert np.array_equal(corrupt(photographs[0], "jpeg", severity=severity, seed=0), PIL.Image.open(file))


# Fog's severity does not show in the mean difference: ImageNet-C's 3 and 4 are equally thick, the clouds differ.


@at_severities("thickness", 1.5, 2, 2.5, 2.5, 3)
def test_fog_leaves_one_part_of_the_image_to_its_thickness_in_fog(severity, thickness):
    """A pixel that was 200 darker is still 200 / (1 + thickness) darker; white becomes at least 1 / (1 + thickness)."""
    spotted = constant(255, side=64)
    spotted[30, 30] = 55
    fogged = corrupt(constant(255, side=64), "fog", severity=severity, seed=0)
    kept = fogged.astype(int) - corrupt(spotted, "fog", severity=severity, seed=0)
    assert kept[30, 30, 0] == pytest.approx(200 / (1 + thickness), abs=1)
    assert (fogged.min(), fogged.max()) == (round(255 / (1 + thickness)), 255)


def test_fog_is_never_brighter_than_the_image():
    assert corrupt(constant(90), "fog", severity=5, seed=0).max() == 90


def test_fog_has_large_clouds_and_the_more_fine_ones_the_higher_the_severity():
    def roughness(severity: int) -> float:
        layers = [corrupt(constant(255), "fog", severity=severity, seed=seed)[..., 0] for seed in range(5)]
        return np.mean([difference(layer[8:], layer[:-8]).mean() / layer.std() for layer in layers])

    rough = [roughness(severity) for severity in (2, 3, 4, 5)]
    assert rough == sorted(rough)
    assert rough[-1] < 0.5  # neighbours differ far less than the whole


# Our own.


@pytest.mark.parametrize(("severity", "value"), [(1, 45), (2, 32), (3, 16), (4, 8), (5, 4)])
def test_gamma_darkens_the_middle_and_leaves_black_and_white(severity, value):
    """64 / 255 is close to 1/4: its powers 1.25, 1.5, 2, 2.5, 3 are about 0.18, 1/8, 1/16, 1/32, 1/64."""
    assert corrupt(constant(0, 64, 255), "gamma", severity=severity, seed=0)[0, 0].tolist() == [0, value, 255]


@at_severities("gain", 10, 20, 30, 40, 50)
def test_white_balance_moves_light_from_blue_to_red(severity, gain):
    warm = corrupt(constant(100), "white_balance", severity=severity, seed=0)
    assert warm[0, 0].tolist() == [100 + gain, 100, 100 - gain]


def test_white_balance_stops_at_white():
    assert corrupt(constant(255), "white_balance", severity=2, seed=0)[0, 0].tolist() == [255, 255, 204]


@pytest.mark.parametrize(("severity", "colour"), [(1, [185, 105, 65]), (5, [124, 124, 124])])
def test_desaturation_mixes_with_grey(severity, colour):
    """Grey is 0.299 · 200 + 0.587 · 100 + 0.114 · 50 = 124.2; a fifth of it and four fifths of the colour first."""
    assert corrupt(constant(200, 100, 50), "desaturation", severity=severity, seed=0)[0, 0].tolist() == colour


@at_severities("depth", 20, 35, 50, 65, 80)
@pytest.mark.parametrize("seed", range(6))
def test_uneven_lighting_is_a_ramp_from_corner_to_corner(severity, depth, seed):
    lit = corrupt(constant(100), "uneven_lighting", severity=severity, seed=seed)[..., 0]
    corners = np.sort([lit[0, 0], lit[0, -1], lit[-1, 0], lit[-1, -1]])
    assert (corners[0], corners[-1]) == (lit.min(), lit.max()) == (100 - depth, 100 + depth)
    assert lit.mean() == pytest.approx(100, abs=0.1)


# Names and severities.


def test_an_unknown_corruption_is_refused_with_the_choices():
    with pytest.raises(ValueError, match=r"unknown corruption 'sepia'; choose one of: brightness, .*uneven_lighting"):
        corrupt(constant(0), "sepia", severity=1, seed=0)


@pytest.mark.parametrize("severity", [0, 6, -1, 2.5])
def test_an_unknown_severity_is_refused_with_the_choices(severity):
    with pytest.raises(ValueError, match=r"unknown severity .* of jpeg; choose one of: 1, 2, 3, 4, 5"):
        corrupt(constant(0), "jpeg", severity=severity, seed=0)


@every_corruption
def test_a_shift_is_a_name_and_a_severity(name):
    assert parse_shift(f"{name}:3") == (name, 3)


@pytest.mark.parametrize(
    "text",
    ["", "fog", "fog:", "fog:three", "fog:6", "fog:0", "fog:-1", "fog:03", "fog: 3", "fog:3:4", "fog:٣", "fog:3.0"],
)
def test_a_malformed_shift_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="such as defocus_blur:3, but got") as refusal:
        parse_shift(text)
    assert repr(text) in str(refusal.value)


@pytest.mark.parametrize("text", [":3", "sepia:3", "Fog:3", " fog:3"])
def test_a_shift_of_an_unknown_corruption_is_refused_with_the_choices(text):
    with pytest.raises(ValueError, match=r"unknown corruption .*; choose one of: brightness, "):
        parse_shift(text)


def test_the_table_needs_no_heavy_library():
    heavy = "{'torch', 'torchvision', 'scipy', 'sklearn', 'pandas', 'matplotlib'}"
    code = f"import sys, gnl_core.datasets.corruptions; sys.exit(str({heavy} & set(sys.modules) or ''))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""


# The package `imagecorruptions`, where it is installed.


@pytest.fixture(scope="module")
def imagecorruptions():
    with pytest.MonkeyPatch.context() as patch:  # it still asks for pkg_resources, for frost alone
        patch.setitem(sys.modules, "pkg_resources", SimpleNamespace(resource_filename=None))
        return pytest.importorskip("imagecorruptions", exc_type=ImportError)


@every_severity
@pytest.mark.parametrize("name", ORACLE)
def test_corruptions_are_those_of_imagecorruptions(name, severity, imagecorruptions, photographs, monkeypatch):
    theirs, largest = ORACLE[name]
    for image in (*photographs, random_image(33, 47)):
        draws = np.random.default_rng(5)
        monkeypatch.setattr(np.random, "normal", draws.normal)
        monkeypatch.setattr(np.random, "poisson", draws.poisson)
        expected = imagecorruptions.corrupt(image, severity=severity, corruption_name=theirs)
        assert difference(corrupt(image, name, severity=severity, seed=5), expected).max() <= largest


@pytest.mark.parametrize("name", CORRUPTIONS)
@pytest.mark.parametrize("size", [(1, 1), (2, 3)])
def test_the_smallest_images_are_corrupted_too(name: str, size: tuple[int, int]):
    image = np.full((*size, 3), 90, np.uint8)
    assert corrupt(image, name, severity=5, seed=0).shape == image.shape

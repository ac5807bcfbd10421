from __future__ import annotations

from collections.abc import Callable

import numpy as np
import PIL.Image
import pytest
import scipy.stats
import torch
from timm.data.constants import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torchvision.transforms.functional import normalize, rgb_to_grayscale

from gnl_core.datasets import views
from gnl_core.datasets.base import ALL_OPERATIONS
from gnl_core.datasets.views import OPERATIONS, augmix, grayscale, make_view

Picture = PIL.Image.Image


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def pixels(*values: int) -> Picture:
    """A grey picture, one pixel high."""
    return PIL.Image.fromarray(np.array(values, dtype=np.uint8)[None]).convert("RGB")


def values_of(picture: Picture) -> list[int]:
    return np.asarray(picture)[0, :, 0].tolist()


def test_the_same_generator_augments_alike():
    image = torch.rand(3, 8, 8)
    assert torch.equal(augmix(image, generator=rng(1)), augmix(image, generator=rng(1)))
    assert not torch.equal(augmix(image, generator=rng(1)), augmix(image, generator=rng(2)))


def test_augmix_stays_between_black_and_white():
    image = torch.rand(3, 16, 16)
    for seed in range(40):
        view = augmix(image, generator=rng(seed))
        assert view.shape == image.shape
        assert view.min() >= 0
        assert view.max() <= 1 + 1e-6


def test_augmix_does_change_images():
    image = torch.rand(3, 16, 16)
    changed = [(augmix(image, generator=rng(seed)) - image).abs().max() > 0.05 for seed in range(40)]
    assert sum(changed) >= 20


def test_a_constant_image_stays_constant():
    image = torch.tensor([0.2, 0.6, 0.9]).view(3, 1, 1).expand(3, 12, 12)
    for seed in range(40):
        flat = augmix(image, generator=rng(seed)).flatten(1)
        assert torch.equal(flat, flat[:, :1].expand_as(flat))


def test_augmix_moves_nothing():
    # Black left of column 16, grey right of it: each half stays flat, but for 3 px (a sharpening a step) at the edge.
    image = torch.zeros(3, 24, 32)
    image[:, :, 16:] = 0.6
    for seed in range(40):
        view = augmix(image, generator=rng(seed))
        for half in (view[:, :, :13], view[:, :, 19:]):
            assert torch.equal(half, half[:, :1, :1].expand_as(half))


@pytest.fixture
def spied(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[int, Picture], Picture]], list[float]]:
    """Put one operation in place of all: it is given its number within the image; its levels are noted."""

    def install(operation: Callable[[int, Picture], Picture]) -> list[float]:
        levels: list[float] = []

        def note(picture: Picture, level: float) -> Picture:
            levels.append(level)
            return operation(len(levels) - 1, picture)

        monkeypatch.setattr(views, "OPERATIONS", {"spy": note})
        return levels

    return install


def test_three_chains_share_one_depth_from_one_to_three(spied: Callable[..., list[float]]):
    levels = spied(lambda _, picture: picture)
    counts = []
    for seed in range(60):
        levels.clear()
        augmix(torch.zeros(3, 4, 4), generator=rng(seed), operations=["spy"])
        counts.append(len(levels))
    assert set(counts) == {3, 6, 9}
    assert all(counts.count(count) > 10 for count in (3, 6, 9))


def test_levels_lie_between_a_tenth_and_a_severity_from_zero_to_three(spied: Callable[..., list[float]]):
    levels = spied(lambda _, picture: picture)
    highest = []
    for seed in range(300):
        levels.clear()
        augmix(torch.zeros(3, 2, 2), generator=rng(seed), operations=["spy"])
        assert 0 <= min(levels) <= max(levels) < 3
        highest.append(max(levels))
    by_severity = np.histogram(highest, bins=[0, 0.1, 1, 2, 3])[0]  # severity 0 draws below the smallest level
    assert (by_severity > 30).all()


def test_without_change_the_mixture_is_the_image(spied: Callable[..., list[float]]):
    spied(lambda _, picture: picture)
    image = torch.rand(3, 8, 8).mul(255).round() / 255
    torch.testing.assert_close(augmix(image, generator=rng(0), operations=["spy"]), image)


def test_the_mixtures_share_is_uniform(spied: Callable[..., list[float]]):
    # All chains turn black to white, so the grey that comes out is their share: Beta(1, 1)
    spied(lambda _, picture: PIL.Image.new("RGB", picture.size, "white"))
    black = torch.zeros(3, 1, 1)
    shares = [augmix(black, generator=rng(seed), operations=["spy"])[0].item() for seed in range(300)]
    assert scipy.stats.kstest(shares, "uniform").pvalue > 0.01


def test_the_chains_weights_are_a_flat_dirichlet_draw(spied: Callable[..., list[float]]):
    # The first chain ends white, the others black: what comes out is share * weight, with weight from Beta(1, 2)
    levels = spied(lambda number, picture: PIL.Image.new("RGB", picture.size, "white" if not number else "black"))
    greys = []
    for seed in range(900):
        levels.clear()
        grey = augmix(torch.zeros(3, 1, 1), generator=rng(seed), operations=["spy"])[0].item()
        if len(levels) == 3:
            greys.append(grey)
    expected = scipy.stats.uniform.rvs(size=20000, random_state=1) * scipy.stats.beta.rvs(
        1, 2, size=20000, random_state=2
    )
    assert scipy.stats.ks_2samp(greys, expected).pvalue > 0.01


def test_every_operation_is_drawn(monkeypatch: pytest.MonkeyPatch):
    drawn: set[str] = set()

    def noting(name: str) -> views.Operation:
        return lambda picture, level: drawn.add(name) or OPERATIONS[name](picture, level)  # type: ignore[func-returns-value]

    monkeypatch.setattr(views, "OPERATIONS", {name: noting(name) for name in OPERATIONS})
    for seed in range(20):
        augmix(torch.zeros(3, 2, 2), generator=rng(seed))
    assert drawn == {
        "autocontrast",
        "equalize",
        "posterize",
        "solarize",
        "color",
        "sharpness",
        "contrast",
        "brightness",
    }


def test_only_the_given_operations_are_drawn(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(views, "OPERATIONS", {"sharpness": lambda picture, level: picture})  # others: KeyError
    for seed in range(20):
        make_view("augmix", torch.zeros(3, 2, 2), generator=rng(seed), operations=["sharpness"])
    with pytest.raises(KeyError):
        make_view("augmix", torch.zeros(3, 2, 2), generator=rng(0))


def test_the_names_to_draw_from_are_those_of_the_operations():
    assert tuple(OPERATIONS) == ALL_OPERATIONS


def test_posterize_keeps_four_bits_or_fewer():
    assert values_of(OPERATIONS["posterize"](pixels(15, 16, 255), 0.1)) == [0, 16, 240]
    assert values_of(OPERATIONS["posterize"](pixels(31, 32, 255), 2.5)) == [0, 32, 224]


def test_solarize_inverts_what_is_brighter_than_its_threshold():
    # level 2.5 of 10: threshold 256 - 64 = 192
    assert values_of(OPERATIONS["solarize"](pixels(100, 191, 192, 255), 2.5)) == [100, 191, 63, 0]


def test_brightness_weakens_to_a_tenth_or_strengthens():
    assert values_of(OPERATIONS["brightness"](pixels(0, 100, 200), 0.0)) == [0, 10, 20]
    assert values_of(OPERATIONS["brightness"](pixels(0, 100, 200), 5.0)) == [0, 100, 200]
    assert values_of(OPERATIONS["brightness"](pixels(0, 100, 200), 10.0)) == [0, 190, 255]


def test_contrast_pulls_toward_the_mean():
    # a tenth of the distance from the mean, 100, is left
    assert values_of(OPERATIONS["contrast"](pixels(50, 100, 150), 0.0)) == [95, 100, 105]


def test_color_at_a_tenth_is_nearly_grey():
    picture = PIL.Image.new("RGB", (1, 1), (255, 0, 0))  # luma 76
    assert np.asarray(OPERATIONS["color"](picture, 0.0))[0, 0].tolist() == [93, 68, 68]


def test_sharpness_below_its_middle_blurs_and_above_sharpens():
    edge = PIL.Image.fromarray(np.repeat([[40, 40, 40, 200, 200, 200]], 5, axis=0).astype(np.uint8)).convert("RGB")
    step = {level: np.ptp(np.asarray(OPERATIONS["sharpness"](edge, level))[2, 2:4, 0]) for level in (0.0, 5.0, 10.0)}
    assert step[0.0] < step[5.0] == 160 < step[10.0]


def test_autocontrast_uses_the_whole_range():
    assert values_of(OPERATIONS["autocontrast"](pixels(50, 100, 150), 1.0)) == [0, 127, 255]


def test_equalize_spreads_the_greys_evenly():
    # 25,500 pixels of each of four neighbouring greys
    picture = pixels(*np.repeat([100, 101, 102, 103], 25500))
    equal = np.unique(np.asarray(OPERATIONS["equalize"](picture, 1.0)))
    np.testing.assert_allclose(equal, [0, 85, 170, 255], atol=1)


def test_grayscale_channels_are_equal_after_imagenets_normalisation():
    grey = normalize(grayscale(torch.rand(3, 6, 7)), IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD)
    torch.testing.assert_close(grey[0], grey[1])
    torch.testing.assert_close(grey[1], grey[2])


def test_grayscale_is_the_luma_of_the_normalised_image():
    image = torch.rand(3, 6, 7)
    expected = rgb_to_grayscale(normalize(image, IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD), 3)
    grey = normalize(grayscale(image), IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD)
    torch.testing.assert_close(grey, expected, atol=2e-3, rtol=0)


def test_the_original_view_is_the_image():
    image = torch.rand(3, 4, 4)
    assert torch.equal(make_view("original", image, generator=rng(0)), image)


def test_views_are_made_by_their_names():
    image = torch.rand(3, 4, 4)
    assert torch.equal(make_view("grayscale", image, generator=rng(0)), grayscale(image))
    assert torch.equal(make_view("augmix", image, generator=rng(3)), augmix(image, generator=rng(3)))


def test_an_unknown_view_is_refused():
    with pytest.raises(ValueError, match="unknown view 'sepia'; choose one of: original, augmix, grayscale"):
        make_view("sepia", torch.zeros(3, 4, 4), generator=rng(0))

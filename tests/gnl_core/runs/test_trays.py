from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from gnl_core.config import parse_config
from gnl_core.datasets.base import Item
from gnl_core.runs.tray_images import load_tray
from gnl_core.runs.trays import Tray, TrayUse, draw_tray, draw_use, judged_images, without


@pytest.fixture
def domain(stripes: Callable[..., list[Item]]) -> list[Item]:
    """40 normal and 20 anomalous images."""
    return [*stripes(40, label=0), *stripes(20, label=1)]


def paths(items: list[Item]) -> list[str]:
    return [item.path for item in items]


@pytest.mark.parametrize(("percent", "anomalous"), [(0, 0), (10, 2), (30, 5)])
def test_a_tray_holds_the_share_of_anomalies_rounded(domain: list[Item], percent: float, anomalous: int):
    tray = draw_tray(domain, count=16, seed=0, anomaly_percent=percent)
    assert sum(item.label for item in tray.items) == anomalous
    assert len(set(paths(tray.items))) == 16
    assert not tray.known_normal


def test_a_tray_known_to_be_normal_has_no_anomaly(domain: list[Item]):
    tray = draw_tray(domain, count=16, seed=0, known_normal=True, anomaly_percent=30)
    assert [item.label for item in tray.items] == [0] * 16
    assert tray.known_normal


def test_the_seed_decides_the_draw(domain: list[Item]):
    draws = [paths(draw_tray(domain, count=8, seed=seed).items) for seed in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]


def test_a_tray_keeps_the_order_of_the_domain(domain: list[Item]):
    drawn = paths(draw_tray(domain, count=16, seed=0).items)
    assert drawn == [path for path in paths(domain) if path in set(drawn)]


def test_what_is_left_to_be_scored_is_everything_else(domain: list[Item]):
    tray = draw_tray(domain, count=16, seed=0)
    rest = paths(without(domain, tray))
    assert not set(rest) & set(paths(tray.items))
    assert len(rest) == 60 - 16


def test_half_of_the_normal_images_can_be_drawn_and_no_more(domain: list[Item]):
    assert len(draw_tray(domain, count=20, seed=0, known_normal=True).items) == 20
    with pytest.raises(ValueError, match=r"21 normal images .* has 40, .* draw at most 20"):
        draw_tray(domain, count=21, seed=0, known_normal=True)


def test_half_of_the_anomalies_can_be_drawn_and_no_more(domain: list[Item]):
    with pytest.raises(ValueError, match=r"11 anomalous images .* has 20, .* draw at most 10"):
        draw_tray(domain, count=22, seed=0, anomaly_percent=50)


def test_a_tray_without_images_is_refused(domain: list[Item]):
    with pytest.raises(ValueError, match="at least one image"):
        draw_tray(domain, count=0, seed=0)


@pytest.mark.parametrize("percent", [-1, 100, 250])
def test_a_tray_without_normal_images_is_refused(domain: list[Item], percent: float):
    with pytest.raises(ValueError, match="at least 0 and below 100"):
        draw_tray(domain, count=8, seed=0, anomaly_percent=percent)


def test_images_are_loaded_in_order_at_the_detectors_size(domain: list[Item]):
    config = parse_config({"image_size": "32x48"})
    images = load_tray(domain[:5], config)
    assert images.shape == (5, 3, 32, 48)
    assert images.min() >= 0
    assert 0.5 < images.max() <= 1
    assert torch.equal(images[3:4], load_tray(domain[3:4], config))


def test_a_tray_can_be_made_by_hand(domain: list[Item]):
    assert paths(without(domain, Tray(domain[:40], known_normal=True))) == paths(domain[40:])


@pytest.mark.parametrize("kind", ["unlabelled", "normal"])
def test_the_images_that_are_judged_are_those_outside_the_tray(domain: list[Item], kind: str):
    use = TrayUse("adapted", kind, 10)
    judged = judged_images(np.array([item.label for item in domain]), use, seed=3)
    left = [item for item, kept in zip(domain, judged, strict=True) if kept]
    assert paths(left) == paths(without(domain, draw_use(domain, use, seed=3)))
    assert draw_use(domain, use, seed=3).known_normal == (kind == "normal")

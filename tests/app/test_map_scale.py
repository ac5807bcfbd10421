"""The colour scale of the gallery's maps on Explore."""

from __future__ import annotations

import re

import numpy as np
import pytest

from app.methods import WITHOUT_MAPS
from gnl_core.detectors import DETECTORS, find_method
from gnl_core.runs.scoring import load_domain, load_run, resolve_scoring
from gnl_core.scoring import detect

TRAINING, DOMAIN = "training normals", "this domain"


def chosen(page) -> str:
    """The scale that is chosen."""
    return page.session_state["map_scale"]


def stated(page) -> tuple[str, float]:
    """The images that set the scale, and its upper end."""
    (caption,) = (caption.value for caption in page.caption if caption.value.startswith("All maps share one scale"))
    images, value = re.search(r"of the maps of (.*) stay below ([\d.]+)\. ", caption).groups()
    return images, float(value)


def test_maps_that_nearly_all_exceed_the_training_images_scale_begin_on_their_own(open_page):
    page = open_page()
    assert chosen(page) == DOMAIN
    assert stated(page)[0] == "all images of this domain"
    own = stated(page)[1]
    page.session_state["map_scale"] = TRAINING
    page.run()
    assert stated(page)[0] == "normal training images"
    assert stated(page)[1] < own


def test_the_training_images_scale_stays_where_most_maps_are_within_it(open_page):
    page = open_page(data="Parts (rendered)", shift="overexposed")
    assert chosen(page) == TRAINING
    page.session_state["map_scale"] = DOMAIN
    page.run()
    assert stated(page)[0] == "all images of this domain"


def test_the_address_keeps_the_scale(open_page):
    assert stated(open_page(map_scale=TRAINING))[0] == "normal training images"


def test_standardised_maps_have_no_choice(open_page):
    page = open_page(data="Parts (rendered)", shift="on another background", adapt="adapt to n of its images")
    assert "map_scale" not in page.session_state
    assert any("standard deviations above what is usual" in caption.value for caption in page.caption)


def test_the_scale_of_a_method_whose_score_is_no_maximum_is_computed_from_its_maps(open_page, train):
    folder = train(detector="patchcore")
    page = open_page(methods="PatchCore", map_scale=DOMAIN)
    assert not page.exception
    assert not page.error
    run = load_run(folder, device="cpu")
    images = load_domain(run, "digits_m")
    found = detect(run.detector, images, resolve_scoring(run, style_weight=0.0))
    maxima = np.concatenate([detection.anomaly_map.amax(dim=(1, 2, 3)).numpy() for _, detection in found])
    every_third = maxima[::3]  # 719 images, of which at most 256 are taken
    assert stated(page) == ("all images of this domain", pytest.approx(np.quantile(every_third, 0.995), abs=0.00501))


def test_methods_without_maps_are_those_that_give_none():
    assert {name for name in DETECTORS if not find_method(name).gives_maps} == set(WITHOUT_MAPS)

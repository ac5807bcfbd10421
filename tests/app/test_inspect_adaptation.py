"""An image under adapted methods on the page Inspect, without a browser."""

import re
from functools import partial
from itertools import pairwise

import pytest

from app.checkpoints import BUNDLED
from gnl_core.datasets import list_items
from gnl_core.runs.adapted_scores import TrayChoice, read_adapted
from gnl_core.runs.folder import RunFolder
from tests.app.conftest import charts, texts

UNLABELLED, NORMAL = "adapt to n of its images", "adapt to k normal images"
LIGHTING = {"data": "Parts (rendered)", "shift": "lit from another side"}


@pytest.fixture
def open_inspect(open_screen):
    return partial(open_screen, "inspect", methods="RD4AD")


def saved(run, domain, choice):
    """Adapted scores on file, by the image's number."""
    (found,) = [e.adapted for e in read_adapted(RunFolder(BUNDLED / run)) if (e.domain, e.choice) == (domain, choice)]
    dataset, normal_class, _ = run.split("-")
    every = [item.path for item in list_items(dataset, normal_class=normal_class, domain=domain)]
    return found, {every.index(path) + 1: score for path, score in zip(found.paths, found.score, strict=True)}, every


def below_maps(page):
    """What is written below each method's map."""
    found = texts(page)
    return {title.strip("*"): note for title, note in pairwise(found) if title.startswith("**RD4AD")}


def test_the_score_is_the_adapted_one_on_file_beside_its_threshold(open_inspect):
    found, scores, _ = saved("parts-nut-rd4ad", "parts_lighting", TrayChoice(16))
    number = next(iter(scores))
    page = open_inspect(**LIGHTING, adapt=UNLABELLED, tray=16, image=number)
    assert not page.exception
    assert not page.error
    assert list(below_maps(page)) == ["RD4AD", "RD4AD, adapted"]
    written = re.match(
        r"\*\*(-?[\d.]+)\*\* :small\[(not above|above) threshold (-?[\d.]+)\]", below_maps(page)["RD4AD, adapted"]
    )
    assert float(written[1]) == pytest.approx(scores[number], rel=1e-2)
    assert float(written[3]) == pytest.approx(found.threshold.value, rel=1e-2)
    assert (written[2] == "above") == (float(written[1]) > float(written[3]))


def test_a_standardised_map_is_explained_by_median_and_deviation(open_inspect):
    _, scores, _ = saved("parts-nut-rd4ad", "parts_lighting", TrayChoice(16))
    page = open_inspect(**LIGHTING, adapt=UNLABELLED, tray=16, image=next(iter(scores)))
    assert any(text.startswith("**Anomaly maps are standardised by position; the shift raises") for text in texts(page))
    (line,) = [text for text in texts(page) if text.startswith("At the ring")]
    value, median, deviation, result = map(float, re.search(r"\((.+) − (.+)\) / (.+) = (.+?)\. Map", line).groups())
    assert (value - median) / deviation == pytest.approx(result, rel=0.02)
    assert result == pytest.approx(float(below_maps(page)["RD4AD, adapted"].split("**")[1]), abs=0.006)
    assert not charts(page)  # no feature is mapped


def test_a_matched_domain_is_explained_by_the_map_of_a_channel(open_inspect):
    page = open_inspect(adapt=NORMAL, tray=8, stage=2, channel=3)
    assert not page.exception
    assert any(text.startswith("**The domain and each image are matched; ") for text in texts(page))
    (figure,) = charts(page)
    identity, channel_map, image = figure["data"]
    assert identity["x"] == identity["y"]
    assert list(channel_map["y"]) == sorted(channel_map["y"])
    assert channel_map["y"] != channel_map["x"]
    assert list(image["y"]) == sorted(image["y"])
    page.number_input(key="channel").set_value(4).run()
    assert charts(page)[0]["data"][1]["y"] != channel_map["y"]


def test_an_image_that_is_adapted_to_is_called_so(open_inspect):
    found, _, every = saved("digits-4-rd4ad", "digits_m", TrayChoice(8, known_normal=True))
    page = open_inspect(adapt=NORMAL, tray=8, image=every.index(found.tray[0]) + 1)
    assert "This image is one of those adapted to, so its score is too low." in [one.value for one in page.warning]


def test_an_image_in_distribution_is_taken_as_it_is(open_inspect):
    page = open_inspect(adapt=NORMAL, tray=8, side="In-distribution")
    assert list(below_maps(page)) == ["RD4AD", "RD4AD + FDM 1"]
    assert "This image is in-distribution. Adapting acts on the shifted domain alone." in texts(page)


def test_the_reasons_follow_when_adapting_ends(open_inspect):
    page = open_inspect(adapt=NORMAL, tray=8)
    assert page.session_state["why"] == "RD4AD, adapted"
    page.selectbox(key="adapt").set_value("as it is").run()
    assert not page.exception
    assert page.session_state["why"] == "RD4AD, FDM on"
    assert any(text.startswith("**Stages**") for text in texts(page))


def test_the_commands_adapt_and_score_the_domain(open_inspect):
    page = open_inspect(**LIGHTING, adapt=NORMAL, tray=8)
    file = "parts-nut-rd4ad-parts_lighting.safetensors"
    assert page.code[0].value.splitlines() == [
        f"gnl adapt assets/checkpoints/parts-nut-rd4ad --domain parts_lighting --count 8 --normal --output {file}",
        f"gnl score assets/checkpoints/parts-nut-rd4ad --domain parts_lighting --adaptation {file}",
    ]


def test_a_run_that_cannot_be_adapted_is_reported_and_shown_as_it_is(open_inspect, train):
    train(detector="rd4ad", normal_class="7", stored_references=0)
    page = open_inspect(normal="7", adapt=NORMAL, tray=4)
    assert not page.exception
    (error,) = page.error
    assert error.value.startswith("RD4AD is not adapted: this checkpoint keeps no references")
    assert list(below_maps(page)) == ["RD4AD"]


def test_a_method_without_a_teacher_gets_a_new_threshold_alone(open_inspect, train):
    train(detector="deep_svdd", normal_class="7")
    page = open_inspect(normal="7", methods="Deep SVDD", adapt=NORMAL, tray=4)
    assert not page.exception
    assert not page.error
    assert any(text.startswith("**Only the threshold changes; ") for text in texts(page))

"""The stories at the top of Explore: which shift each is about, what it says, and what it opens."""

from __future__ import annotations

import re
from urllib.parse import parse_qs

import numpy as np
import pyarrow.compute
import pyarrow.parquet
import pytest
from sklearn.metrics import roc_auc_score

from app.checkpoints import BUNDLED, Checkpoint
from app.scoring import ScoringRequest, ScoringResult, measure_domain
from app.screens.explore.stories import Case, tell_stories
from app.screens.explore.story_line import find_stories
from gnl_core.config import RunConfig, scoring_settings
from gnl_core.records import Scores
from gnl_core.runs.folder import RunFolder
from tests.app.conftest import components, finding

TITLES = ["What a shift breaks", "What matching saves", "Where matching hurts", "What adapting does"]


ROUNDING = 0.00501  # of two decimals


def numbers(sentence: str) -> list[float]:
    """The two AUROCs that a sentence compares."""
    return [float(number) for number in re.findall(r"AUROC ([\d.]+) instead of ([\d.]+)\.", sentence)[0]]


def stories(page) -> list[dict]:
    """The stories that a page sends to the browser."""
    return [story for line in components(page, "stories") for story in line["stories"]]


def domain(swaps: int, *, pairs: int):
    """A domain of so many pairs of images, in the first of which the normal image scores higher."""
    label = np.repeat([0, 1], pairs)
    score = np.concatenate([np.zeros(pairs), np.ones(pairs)])
    score[:swaps], score[pairs : pairs + swaps] = 2.0, -1.0
    text = np.full(2 * pairs, "x")
    return measure_domain(Scores(score, label, text, text, text), 0.5)


def case(shifted: str, *, plain: int, matched: int, pairs: int = 40) -> Case:
    """A shift under which so many pairs are swapped without and with matching; in-distribution none is."""
    config = RunConfig(dataset="parts", normal_class="nut")
    checkpoint = Checkpoint(RunFolder(BUNDLED / "parts-nut-rd4ad"), config, None)
    request = ScoringRequest(checkpoint, scoring_settings(config, style_weight=0.0))
    usual = domain(0, pairs=pairs)
    before, after = (
        ScoringResult(request, usual.scores, 0.5, 0, usual, domain(swaps, pairs=pairs)) for swaps in (plain, matched)
    )
    return Case(checkpoint, shifted, before, after, None)


def test_each_story_is_about_the_shift_with_the_largest_change():
    told = tell_stories(
        [
            case("parts_bright", plain=10, matched=5),
            case("parts_blur", plain=20, matched=4),
            case("parts_noise", plain=12, matched=25),
        ]
    )
    assert [(story.title, story.address["shift"]) for story in told] == [
        (TITLES[0], "out of focus"),
        (TITLES[1], "out of focus"),
        (TITLES[2], "with sensor noise"),
    ]


def test_a_large_change_of_few_images_does_not_beat_a_sure_one():
    few = case("parts_bright", plain=2, matched=0, pairs=4)  # AUROC 0.38 higher, but of eight images
    many = case("parts_blur", plain=40, matched=0, pairs=160)
    told = {story.title: story for story in tell_stories([few, many])}
    assert told["What matching saves"].address["shift"] == "out of focus"


def test_a_story_that_no_shift_shows_is_left_out():
    assert [story.title for story in tell_stories([case("parts_bright", plain=8, matched=8)])] == TITLES[:1]
    assert tell_stories([case("parts_bright", plain=0, matched=0)]) == []
    assert tell_stories([]) == []


def test_without_saved_scores_there_is_no_story(tmp_path, monkeypatch):
    monkeypatch.setattr("app.checkpoints.BUNDLED", tmp_path)
    bare = Checkpoint(RunFolder(tmp_path / "parts-nut-rd4ad"), RunConfig(dataset="parts", normal_class="nut"), None)
    assert find_stories([bare]) == []


def test_the_findings_are_those_of_the_saved_scores(open_page):
    table = pyarrow.parquet.read_table(BUNDLED / "parts-nut-rd4ad" / "scores.parquet")

    def auroc(name: str, style_weight: float) -> float:
        own = pyarrow.compute.field("domain") == name, pyarrow.compute.field("style_weight") == style_weight
        rows = table.filter(own[0] & own[1])
        return roc_auc_score(rows["label"].to_numpy(), rows["score"].to_numpy())

    told = {story["title"]: story for story in stories(open_page(normal="7"))}  # nothing is trained on sevens
    assert list(told) == TITLES
    assert not any(story["open"] for story in told.values())
    broken, hurt = (numbers(told[title]["finding"]) for title in (TITLES[0], TITLES[2]))
    assert broken == pytest.approx([auroc("parts_background", 0.0), auroc("parts", 0.0)], abs=ROUNDING)
    assert hurt == pytest.approx([auroc("parts_lighting", 1.0), auroc("parts_lighting", 0.0)], abs=ROUNDING)
    assert told[TITLES[2]]["n"] == "n = 40 normal, 60 anomalous"


VIEWS = {  # what the summary of each story's view says
    TITLES[0]: "RD4AD separates good nut images from defective ones with AUROC {0} instead of {1}",
    TITLES[1]: "RD4AD + FDM 1 separates 4 from the rest with AUROC {0} instead of 0.99; FDM raises it",
    TITLES[
        2
    ]: "RD4AD + FDM 1 separates good nut images from defective ones with AUROC {0} instead of 0.96; FDM lowers it",
    TITLES[3]: "Adapting to 16 of these images raises RD4AD from {1} to {0}",
}


@pytest.mark.parametrize("title", TITLES)
def test_a_story_opens_a_view_that_shows_its_numbers_and_is_marked(open_page, title):
    (story,) = (one for one in stories(open_page(normal="7")) if one["title"] == title)
    address = {key: values if key == "methods" else values[0] for key, values in parse_qs(story["address"][1:]).items()}
    page = open_page(**address)
    assert not page.exception
    assert not page.error
    assert VIEWS[title].format(*re.findall(r"\d\.\d\d", story["finding"])) in finding(page)
    assert [one["title"] for one in stories(page) if one["open"]] == [title]


def test_a_changed_choice_ends_a_story(open_page):
    page = open_page(data="Parts (rendered)", shift="on another background", methods=["RD4AD"])
    assert [story["open"] for story in stories(page)] == [True, False, False, False]
    page.toggle(key="fdm_rd4ad").set_value(True).run()
    assert not any(story["open"] for story in stories(page))

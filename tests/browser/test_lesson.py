"""The lesson in one file: opened from disk, without a server and without a network."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe

from gnl_core.config import ScoringConfig
from gnl_core.datasets import DATASETS
from gnl_core.metrics.image import auroc
from gnl_core.names import DATASET_NAMES, DOMAIN_NAMES
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.scores import read_saved_scores, select_scores
from tests.browser.test_page_file import SERIOUS

ASSETS = Path(__file__).parents[2] / "assets"
LESSON = ASSETS / "lesson.html"
MOST_MB = 6


@pytest.fixture
def lesson(page: Any) -> Any:
    """The lesson, opened from disk; afterwards there has been no error and no request."""
    page.context.set_offline(True)
    page.goto(LESSON.as_uri())
    page.locator(".gallery canvas").first.wait_for()
    yield page
    page.context.set_offline(False)
    assert [trouble for trouble in page.troubles if not trouble.startswith(f"external: {LESSON.as_uri()}")] == []


def test_it_shows_the_scores_of_the_bundled_runs():
    assert LESSON.stat().st_size <= MOST_MB * 10**6
    content = re.search(r'id="views">(.*?)</script>', LESSON.read_text(encoding="utf-8"), re.DOTALL)
    assert content is not None
    runs = [("parts-nut-rd4ad", "parts-nut-gnl"), ("digits-4-rd4ad", "digits-4-gnl")]
    for view, names in zip(json.loads(content[1]), runs, strict=True):
        for method, name in zip(view["methods"], names, strict=True):
            rows = read_saved_scores(RunFolder(ASSETS / "checkpoints" / name))
            assert rows is not None
            for domain, by_strength in method["scores"].items():
                for strength, scores in zip(method["strengths"], by_strength, strict=True):
                    saved = select_scores(rows, domain=domain, scoring=ScoringConfig(style_weight=strength))
                    assert saved is not None
                    assert np.allclose(scores, saved.score, atol=1e-5)


def title_of(domain: str) -> str:
    dataset = domain.split("_", maxsplit=1)[0]
    return f"{DATASET_NAMES[dataset]}, {DOMAIN_NAMES[domain]}"


def aurocs_by_shift() -> dict[str, tuple[float, float]]:
    """AUROC of RD4AD without and with matching for each shift of the lesson."""
    aurocs = {}
    for name in ("parts-nut-rd4ad", "digits-4-rd4ad"):
        rows = read_saved_scores(RunFolder(ASSETS / "checkpoints" / name))
        for domain in DATASETS[name.split("-")[0]].shifted:
            saved = [select_scores(rows, domain=domain, scoring=ScoringConfig(style_weight=alpha)) for alpha in (0, 1)]
            aurocs[domain] = tuple(auroc(scores.label, scores.score) for scores in saved)
    return aurocs


def test_matching_helps_and_hurts_where_the_lesson_says():
    gains = {domain: after - before for domain, (before, after) in aurocs_by_shift().items()}
    assert {domain for domain, gain in gains.items() if gain > 0.01} == {"parts_blur", "parts_background", "digits_m"}
    assert {domain for domain, gain in gains.items() if gain < -0.01} == {"parts_lighting"}
    text = " ".join(LESSON.read_text(encoding="utf-8").split())
    helped, hurt = re.search(r"FDM helps where (.*?)\. It hurts where (.*?)\.", text).groups()
    assert all(DOMAIN_NAMES[domain] in helped for domain in ("parts_blur", "parts_background", "digits_m"))
    assert "another lamp" in hurt


def test_a_guess_comes_before_each_answer(lesson):
    rows = read_saved_scores(RunFolder(ASSETS / "checkpoints" / "parts-nut-rd4ad"))
    lit = select_scores(rows, domain="parts_lighting", scoring=ScoringConfig(style_weight=0))
    assert lesson.locator(".answer:visible").count() == 0
    lesson.locator('[data-guess="shift"] input').fill("0.7")
    lesson.locator('[data-guess="shift"]').get_by_role("button", name="Reveal").press("Enter")
    lesson.get_by_text(f"You guessed 0.70; it is {auroc(lit.label, lit.score):.2f}.").wait_for()
    lesson.get_by_role("button", name="Reveal").first.click()
    lesson.get_by_text("You guessed 10 %; it is 100 %.").wait_for()
    lesson.get_by_role("button", name="Reveal").first.click()
    lesson.get_by_text(f"You guessed 0; it is 1 of 6: {title_of('parts_lighting')}.").wait_for()
    assert lesson.get_by_role("button", name="Reveal").count() == 0


def test_matching_keeps_ranks_and_takes_the_reference_s_values(lesson):
    table = lesson.locator("[data-channel] table")
    values = [row.split("\t")[1:] for row in table.inner_text().splitlines()]
    own, ranks, reference, matched, ranks_after = values
    assert ranks == ranks_after
    assert sorted(matched) == reference
    lesson.locator("[data-channel] > label input").fill("0")
    assert table.inner_text().splitlines()[3].split("\t")[1:] == own


def test_more_images_are_shown_for_each_shift(lesson):
    choice = lesson.locator('[data-choice="adapting"]')
    for index in range(choice.locator("option").count()):
        choice.select_option(index=index)
        first, *_ = lesson.locator("[data-sizes] table").inner_text().splitlines()
        assert first.split("\t")[:3] == ["Normal images adapted to", "none", "4"]


def test_the_digits_can_be_explored(lesson):
    lesson.locator('[data-choice="explore"]').select_option(index=1)
    lesson.get_by_text("Blended with photographs, RD4AD separates 4 from the rest").wait_for()


@pytest.mark.parametrize("width_px", [390, 1280])
def test_nothing_is_wider_than_the_window(width_px, lesson):
    lesson.set_viewport_size({"width": width_px, "height": 900})
    for _ in range(3):
        lesson.get_by_role("button", name="Reveal").first.click()
    assert lesson.evaluate("document.documentElement.scrollWidth") <= width_px


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_serious_accessibility_problems(theme, lesson):
    if lesson.evaluate("document.documentElement.dataset.theme") != theme:
        lesson.locator("#theme").click()
    for _ in range(3):
        lesson.get_by_role("button", name="Reveal").first.click()
    results = Axe().run(lesson).response
    assert [problem["id"] for problem in results["violations"] if problem["impact"] in SERIOUS] == []

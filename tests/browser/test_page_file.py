"""A page in one file: opened from disk, without a server and without a network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe

from gnl_core.metrics.image import auroc, false_alarm_rate, miss_rate
from gnl_core.page.build import build_page
from tests.gnl_core.page.views import ADAPTED, HOSTILE, LABELS, MATCHED, PLAIN, ROWS, SHIFTED, make_view

SERIOUS = ("serious", "critical")


@pytest.fixture
def opened(page: Any, tmp_path: Path) -> Any:
    """The page, opened from disk; afterwards there has been no error and no request."""
    file = tmp_path / "view.html"
    file.write_text(build_page(make_view()), encoding="utf-8")
    page.context.set_offline(True)
    page.goto(file.as_uri())
    page.locator(".gallery canvas").first.wait_for()
    yield page
    page.context.set_offline(False)
    assert [trouble for trouble in page.troubles if not trouble.startswith(f"external: {file.as_uri()}")] == []


def numbers(scores: list[float], labels: list[int], threshold: float) -> list[str]:
    """What Python says of a panel, in the page's words."""
    label, score = np.array(labels), np.array(scores)
    alarms, misses = (rate(label, score, threshold=threshold) for rate in (false_alarm_rate, miss_rate))
    area = auroc(label, score)
    assert area is not None
    assert alarms is not None
    assert misses is not None
    return [f"AUROC {area:.2f}", f"false alarms {100 * alarms:.0f} %, misses {100 * misses:.0f} %"]


def panel_words(page: Any, number: int) -> list[str]:
    panel = page.locator(".panel").nth(number)
    return [panel.locator("b").inner_text(), panel.locator(".below span").first.inner_text()]


def test_numbers_are_those_of_python_whatever_is_chosen(opened):
    assert panel_words(opened, 0) == numbers(PLAIN, LABELS, 0.55)
    assert panel_words(opened, 1) == numbers(SHIFTED, LABELS, 0.55)
    opened.locator(".strength").fill("1")
    assert panel_words(opened, 1) == numbers(MATCHED, LABELS, 0.65)
    opened.locator(".adapt").select_option("from 1 normal image")
    assert panel_words(opened, 1) == numbers(ADAPTED, [LABELS[row] for row in ROWS], 0.4)
    assert panel_words(opened, 0) == numbers(PLAIN, LABELS, 0.65)  # the other domain is not adapted
    assert panel_words(opened, 3) == numbers(PLAIN, LABELS, 0.55)  # nor the other method
    opened.get_by_role("button", name="Reset").click()
    assert panel_words(opened, 1) == numbers(SHIFTED, LABELS, 0.55)


def test_a_moved_threshold_changes_errors_and_not_the_auroc(opened):
    opened.locator(".threshold-choice input").first.fill("1.2")
    moved = float(opened.locator(".threshold-choice input").first.input_value())
    assert panel_words(opened, 1) == numbers(SHIFTED, LABELS, moved)
    assert panel_words(opened, 0) == numbers(PLAIN, LABELS, moved)


def test_selected_bars_show_their_images(opened):
    opened.locator("svg").nth(1).focus()
    for _ in range(40):
        opened.keyboard.press("ArrowRight")
    for _ in range(39):
        opened.keyboard.press("Shift+ArrowLeft")
    assert opened.locator(".gallery-title").inner_text().startswith("12 images of the selected bars")
    captions = opened.locator("figcaption").all_inner_texts()
    assert len(captions) == 12
    assert captions[0] == "anomalous · 1.700"
    opened.keyboard.press("Escape")
    opened.get_by_role("heading", name="Normal images that score highest").wait_for()
    box = opened.locator("svg").nth(1).bounding_box()
    opened.mouse.click(box["x"] + box["width"] - 10, box["y"] + 20)
    opened.get_by_role("heading", name="1 image of the selected bars").wait_for()


def test_maps_have_the_colours_of_the_chosen_scale(opened):
    brightness = "canvas => [...canvas.getContext('2d').getImageData(0, 0, 32, 32).data].reduce((sum, x) => sum + x)"
    canvas = opened.locator(".gallery canvas").nth(1)
    trained = canvas.evaluate(brightness)
    opened.locator(".scale").select_option("domain")
    opened.wait_for_function(f"({brightness})(document.querySelectorAll('.gallery canvas')[1]) < {trained}")


def test_the_address_keeps_what_was_chosen(opened):
    opened.locator(".adapt").select_option("from 1 normal image")
    shown = panel_words(opened, 1)
    opened.reload()
    opened.locator(".gallery canvas").first.wait_for()
    assert panel_words(opened, 1) == shown
    opened.evaluate("location.hash = 'domain=moon&strength=1e999&adapt=<b>'")
    opened.reload()
    opened.locator(".gallery canvas").first.wait_for()
    assert panel_words(opened, 1) == numbers(SHIFTED, LABELS, 0.55)


def test_the_story_is_told_from_the_numbers(opened):
    assert opened.locator(".story").inner_text() == (
        "Blended with photographs, RD4AD separates 4 from the rest with AUROC 0.61 instead of 1.00. Matching each "
        "image's features (FDM, α = 1) raises it to 0.93. Adapting from 1 normal image of this domain raises it to "
        "0.98. At the threshold chosen on training images, 100 % of the normal images raise a false alarm; after "
        "adapting, 0 % do, and 14 % of the anomalous ones are missed."
    )


def test_unlabelled_images_are_counted_and_shown(page, tmp_path):
    view = make_view()
    file = tmp_path / "view.html"
    domains = [view.domains[0], view.domains[1]._replace(labels=[-1] * 12)]
    file.write_text(build_page(view._replace(domains=domains)), encoding="utf-8")
    page.goto(file.as_uri())
    page.get_by_text("not labelled, so there is no AUROC: for RD4AD, 12 of 12 above the threshold").wait_for()
    assert panel_words(page, 1) == ["no AUROC", "12 of 12 above the threshold"]
    assert page.locator("svg").nth(1).locator(".bar.unlabelled").count() > 5
    page.get_by_role("heading", name="Images that score highest, RD4AD").wait_for()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_serious_accessibility_problems(theme, opened):
    if opened.evaluate("document.documentElement.dataset.theme") != theme:
        opened.locator("#theme").click()
    results = Axe().run(opened).response
    assert [problem["id"] for problem in results["violations"] if problem["impact"] in SERIOUS] == []


def test_hostile_texts_are_shown_as_text(page, tmp_path):
    file = tmp_path / "view.html"
    file.write_text(build_page(make_view(name=HOSTILE, task=HOSTILE)), encoding="utf-8")
    page.goto(file.as_uri())
    page.locator(".gallery canvas").first.wait_for()
    assert page.locator("h1, h2").all_inner_texts()[:2] == [f"Digits: {HOSTILE}", HOSTILE]
    assert page.locator("img").count() == 0
    assert json.loads(page.locator("#view").evaluate("node => node.textContent"))["task"] == HOSTILE

"""Learn's step on adapting, without a browser, on the bundled results."""

import os
import shutil
import subprocess
import sys
from functools import partial

import pytest

from app import PROJECT
from app import checkpoints as cache
from app.screens.learn.remedies import Remedy, Step, describe_remedy
from tests.app.conftest import charts, texts

STEP = 8
GOAL = 0.96 - 0.03


@pytest.fixture
def open_step(open_screen):
    return partial(open_screen, "learn", step=STEP)


def outcome(page):
    """The sentence below the figure."""
    return [element.value for element in page.markdown][-1]


def values(page):
    """The values of the four curves."""
    return [trace["y"] for trace in charts(page)[0]["data"]]


def remedy(*steps):
    return Remedy(0.96, [Step(*step, n_normal=30) for step in steps])


AS_IT_IS = (0, 0.8, 0.8, 1.0, 0.0)


def test_the_result_is_shown_only_after_the_guess(open_step):
    page = open_step(needed="16")
    assert page.header[0].value == f"{STEP}. What to do about it"
    assert "You expect: **16 normal images are enough**" in outcome(page)
    assert [len(curve) for curve in values(page)] == [1, 1, 1, 1]
    page.button(key="reveal").click().run()
    assert [len(curve) for curve in values(page)] == [4, 4, 4, 4]
    assert "You guessed that 16 normal images are enough" in outcome(page)


def test_at_first_the_shift_is_shown_where_adapting_gains_most(open_step):
    page = open_step()
    assert page.selectbox(key="remedied_shift").value == "parts_background"
    page.button(key="reveal").click().run()
    unadapted, adapted, _, _ = values(page)
    assert f"AUROC rises from {unadapted[1]:.2f} to {adapted[1]:.2f}" in outcome(page)


@pytest.mark.parametrize(
    ("shift", "needed"),
    [("parts_bright", 0), ("parts_background", 4), ("parts_lighting", 8), ("parts_noise", None), ("digits_m", None)],
)
def test_the_answer_is_the_smallest_number_that_meets_both_goals(open_step, shift, needed):
    page = open_step()
    page.selectbox(key="remedied_shift").set_value(shift).run()
    page.button(key="reveal").click().run()
    _, adapted, alarms, _ = values(page)
    goals = [line["y0"] for line in charts(page)[0]["layout"]["shapes"] if line["line"]["dash"] == "dot"]
    sizes = [0, 4, 8, 16, 32]
    met = [
        size
        for size, *found in zip(sizes, adapted, alarms, strict=False)
        if found[0] >= goals[0] and found[1] <= goals[1]
    ]
    assert (met[0] if met else None) == needed
    sentence = {None: "are not enough", 0: "**None** is needed"}.get(needed, f"It takes **{needed} normal images**")
    assert sentence in outcome(page)


def test_a_right_guess_is_called_right(open_step):
    page = open_step(needed="none")
    page.selectbox(key="remedied_shift").set_value("parts_bright").run()
    page.button(key="reveal").click().run()
    assert outcome(page).startswith("You were right. **None** is needed")


def test_a_guess_that_another_shift_does_not_offer_is_forgotten(open_step):
    page = open_step()
    page.selectbox(key="remedied_shift").set_value("digits_m").run()
    page.select_slider(key="needed").set_value("32").run()
    page.selectbox(key="remedied_shift").set_value("parts_blur").run()
    assert not page.exception
    assert page.select_slider(key="needed").value == "8"


def test_a_loss_is_called_a_loss_and_no_change_is_called_none():
    assert "AUROC falls from 0.80 to 0.70 (0.96 in-distribution)" in describe_remedy(
        remedy(AS_IT_IS, (4, 0.8, 0.7, 0.0, 0.9))
    )
    assert "AUROC stays at 0.80" in describe_remedy(remedy(AS_IT_IS, (4, 0.8, 0.802, 0.0, 0.9)))


def test_what_is_missing_is_named():
    assert "AUROC remains 0.16 below its in-distribution value" in describe_remedy(
        remedy(AS_IT_IS, (4, 0.8, 0.8, 0.0, 0.5))
    )
    assert "false alarms are not low enough" in describe_remedy(remedy(AS_IT_IS, (4, 0.8, GOAL, 0.2, 0.1)))
    assert describe_remedy(remedy(AS_IT_IS, (4, 0.8, GOAL, 0.1, 0.1))).endswith(
        "misses from 0\N{NO-BREAK SPACE}% to 10\N{NO-BREAK SPACE}%."
    )


def test_the_numbers_of_images_are_stated(open_step):
    assert any(text.startswith("n = 40, 36, 32, 24 normal images") for text in texts(open_step()))


def test_lecture_mode_makes_the_figure_higher(open_step):
    heights = [charts(open_step(lecture=mode))[0]["layout"]["height"] for mode in ("false", "true")]
    assert heights[1] == pytest.approx(1.35 * heights[0])


def test_missing_results_are_reported_in_one_sentence(open_step, monkeypatch, tmp_path):
    bundled = tmp_path / "checkpoints"
    shutil.copytree(PROJECT / "assets" / "checkpoints", bundled)
    (bundled / "digits-4-rd4ad" / "adapted.json").unlink()
    monkeypatch.setattr(cache, "BUNDLED", bundled)
    page = open_step()
    assert not page.exception
    assert [error.value for error in page.error] == [
        "This step cannot be shown: adapted.json of digits-4-rd4ad has no results for 4 normal images of digits_m; "
        "run make checkpoints to compute them again"
    ]


def test_the_step_needs_no_pytorch(own_runs):
    code = f"""
import sys
from streamlit.testing.v1 import AppTest
page = AppTest.from_string("from app.screens.learn.page import page\\npage()", default_timeout=60)
page.query_params["step"] = "{STEP}"
page.run().button(key="reveal").click().run()
assert page.get("plotly_chart") and not page.exception
assert "torch" not in sys.modules
"""
    environment = os.environ | {"GNL_RUNS": str(own_runs), "PYTHONPATH": str(PROJECT)}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PROJECT, env=environment)

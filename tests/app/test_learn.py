"""The page Learn, without a browser, on the bundled runs."""

import json
import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score
from streamlit.testing.v1 import AppTest

from app import PROJECT
from app import checkpoints as cache
from app.screens.learn import navigation, watching
from app.screens.learn.failure import comparison_note
from app.screens.learn.page import STEPS
from gnl_core.comparison.data import read_comparison
from gnl_core.plots.style import ACCENT, ANOMALOUS, GREY, NORMAL
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.scores import read_saved_scores
from tests.app.conftest import charts

BUNDLED = Path(__file__).parents[2] / "assets" / "checkpoints"
LONGEST_TEXT = 90


@pytest.fixture
def open_learn(open_screen):
    return partial(open_screen, "learn")


def texts(page: AppTest) -> str:
    """All texts on the page."""
    return "\n".join(element.value for kind in (page.markdown, page.caption) for element in kind)


def saved(run: str, domain: str, *, style_weight: float) -> tuple[np.ndarray, np.ndarray]:
    """Saved labels and scores."""
    rows = read_saved_scores(RunFolder(BUNDLED / run))
    here = (rows["domain"] == domain) & (rows["style_weight"] == style_weight)
    return rows["label"][here], rows["score"][here]


def bars(page: AppTest) -> list[dict]:
    """The bars of the first chart."""
    return [trace for trace in charts(page)[0]["data"] if trace["type"] == "bar"]


@pytest.mark.parametrize("number", range(1, 1 + len(STEPS)))
def test_each_step_opens_by_its_address(open_learn, number):
    page = open_learn(step=number)
    assert not page.exception
    assert not page.error
    assert [header.value for header in page.header] == [f"{number}. {STEPS[number - 1].title}"]
    assert page.query_params["step"] == str(number)


@pytest.mark.parametrize("step", STEPS, ids=[step.title for step in STEPS])
def test_a_step_has_at_most_ninety_words(step):
    words = re.findall(r"\w[\w'’-]*", step.text)
    assert 20 < len(words) <= LONGEST_TEXT


@pytest.mark.parametrize(("asked", "shown"), [("0", 1), ("99", 9), ("-1", 1), ("two", 1)])
def test_an_address_of_a_missing_step_still_shows_a_step(open_learn, asked, shown):
    page = open_learn(step=asked)
    assert not page.exception
    assert page.header[0].value.startswith(f"{shown}. ")


def test_next_and_previous_step_and_the_address_follows(open_learn):
    page = open_learn()
    assert page.button(key="previous_step").disabled
    page.button(key="next_step").click().run()
    assert page.header[0].value.startswith("2. ")
    assert page.query_params["step"] == "2"
    page.button(key="previous_step").click().run()
    assert page.query_params["step"] == "1"
    assert open_learn(step=9).button(key="next_step").disabled


def test_a_link_to_the_page_opens_the_step_shown_last(open_learn):
    page = open_learn(step=9)
    del page.query_params["step"]
    page.run()
    assert page.header[0].value.startswith("9. ")


def test_the_detector_gives_each_image_its_saved_score(open_learn):
    page = open_learn(step=1, normal_image_digits=3, anomalous_image_digits=5)
    labels, scores = saved("digits-4-rd4ad", "digits", style_weight=0.0)
    for label, place, word in ((0, 2, "normal"), (1, 4, "anomalous")):
        assert f"{word}]: score **{scores[labels == label][place]:.2f}**" in texts(page)


def test_another_data_set_begins_with_its_typical_images(open_learn):
    page = open_learn(step=1, normal_image_digits=74)
    page.segmented_control(key="lesson").set_value("parts").run()
    assert not page.exception
    labels, scores = saved("parts-nut-rd4ad", "parts", style_weight=0.0)
    normal = scores[labels == 0]
    typical = normal[np.abs(normal - np.median(normal)).argmin()]
    assert f"normal]: score **{typical:.2f}**" in texts(page)
    assert "rendered data" in texts(page)


def test_a_choice_carried_over_from_another_step_causes_no_warning(open_learn):
    page = open_learn(step=1)
    page.number_input(key="normal_image_digits").set_value(9).run()
    page.button(key="next_step").click().run()
    page.slider(key="guess").set_value(20).run()
    page.button(key="next_step").click().run()
    assert page.number_input(key="normal_image_digits").value == 9
    page.button(key="previous_step").click().run()
    assert page.slider(key="guess").value == 20
    assert not page.warning


def test_the_result_is_shown_only_after_the_guess(open_learn):
    labels, scores = saved("digits-4-rd4ad", "digits_m", style_weight=0.0)
    _, held_out = saved("digits-4-rd4ad", "held_out", style_weight=0.0)
    truth = 100 * np.mean(scores[labels == 0] > np.quantile(held_out, 0.95))
    page = open_learn(step=2, guess=20)
    assert len(bars(page)) == 2  # in-distribution: normal and anomalous
    assert f"{truth:.0f}\N{NO-BREAK SPACE}%" not in texts(page) + str(charts(page)[0]["data"])
    page.button(key="reveal").click().run()
    assert len(bars(page)) == 4
    assert f"it is **{truth:.0f}\N{NO-BREAK SPACE}%**" in texts(page)
    assert f"You were {truth - 20:.0f} points below" in texts(page)


def test_each_shift_is_revealed_separately_and_can_be_hidden_again(open_learn):
    page = open_learn(step=2)
    page.button(key="reveal").click().run()
    page.selectbox(key="shown_shift").set_value("parts_blur").run()
    assert len(bars(page)) == 2
    page.selectbox(key="shown_shift").set_value("digits_m").run()
    assert len(bars(page)) == 4
    page.button(key="hide").click().run()
    assert len(bars(page)) == 2


def test_guesses_and_revealed_results_persist_when_another_step_opens(open_learn):
    page = open_learn(step=2, guess=30)
    page.button(key="reveal").click().run()
    page.button(key="next_step").click().run()
    page.button(key="previous_step").click().run()
    assert len(bars(page)) == 4
    assert page.slider(key="guess").value == 30


def test_the_embedding_is_the_narrowest_part(open_learn):
    (widths,) = bars(open_learn(step=3))
    counts = dict(zip(widths["y"], (int(text.replace(",", "")) for text in widths["text"]), strict=True))
    assert counts["Image"] == 3 * 64 * 64
    assert min(counts, key=counts.__getitem__) == "Embedding"
    assert [counts[f"Teacher, stage {stage}"] for stage in (1, 2, 3)] == [
        counts[f"Student, stage {stage}"] for stage in (1, 2, 3)
    ]


def test_the_stages_add_up_to_the_score(open_learn):
    page = open_learn(step=3)
    totals = [float(found) for found in re.findall(r"score \*\*([\d.]+)\*\* is the sum of", texts(page))]
    parts = [float(found) for found in re.findall(r"Stage \d: ([\d.]+)", texts(page))]
    assert [sum(parts[:3]), sum(parts[3:])] == pytest.approx(totals, abs=0.02)


def test_the_training_to_watch_is_told_and_its_missing_file_is_one_sentence(open_learn, monkeypatch, tmp_path):
    page = open_learn(step=4, watched_image="7", watched_domain="Blended with photographs")
    assert "In 20 epochs, the mean distance" in texts(page)
    assert page.selectbox(key="watched_image").value == "7"
    monkeypatch.setattr(watching, "TRAINING", tmp_path / "none.json")
    page = open_learn(step=4)
    assert not page.exception
    assert [error.value for error in page.error] == [
        "This step cannot be shown: the project's bundled training is missing from assets/snapshots; run make "
        "snapshots to train it again"
    ]


def test_drawing_again_changes_the_augmix_view_alone(open_learn):
    page = open_learn(step=5, draw=7)
    before = [bar["text"] for bar in bars(page)]
    page.button(key="draw_again").click().run()
    assert page.number_input(key="draw").value == 8
    after = [bar["text"] for bar in bars(page)]
    for old, new in zip(before, after, strict=True):  # from below: the real shift, grayscale, AugMix
        assert old[:4] == new[:4]
        assert old[4:] != new[4:]


def test_the_channel_and_run_of_matching_by_hand_are_named(open_learn):
    page = open_learn(step=6)
    assert "reference: mean of 8 training images" in texts(page)
    assert "checkpoint GNL 972f728d" in texts(page)


def test_the_initial_failure_has_the_largest_saved_loss(open_learn):
    gains = {
        domain: np.diff([roc_auc_score(*saved(run, domain, style_weight=weight)) for weight in (0.0, 1.0)])[0]
        for run, domains in (
            ("digits-4-gnl", ("digits", "digits_m")),
            (
                "parts-nut-gnl",
                tuple("parts" + end for end in ("", "_lighting", "_bright", "_background", "_blur", "_noise")),
            ),
        )
        for domain in domains
    }
    page = open_learn(step=7)
    worst = min(gains, key=gains.__getitem__)
    assert gains[worst] < 0
    assert page.selectbox(key="failing_domain").value == worst
    written = sorted(note["text"].replace("−", "-") for note in charts(page)[0]["layout"]["annotations"])
    assert written == sorted(f"{gain:+.3f}" for gain in gains.values())


def test_the_ranks_of_the_worsened_image_are_those_of_the_saved_scores(open_learn):
    page = open_learn(step=7, failing_domain="Digits blended with photographs")
    before, after = map(int, re.search(r"rank \*\*(\d+)\*\* → \*\*(\d+)\*\* of 719", texts(page)).groups())
    labels, off = saved("digits-4-gnl", "digits_m", style_weight=0.0)
    _, on = saved("digits-4-gnl", "digits_m", style_weight=1.0)
    ranks = [rankdata(scores, method="ordinal") for scores in (off, on)]
    wrong = np.where(labels == 0, ranks[1] - ranks[0], ranks[0] - ranks[1])
    assert (before, after) == (ranks[0][wrong.argmax()], ranks[1][wrong.argmax()])


def test_the_note_on_mnist_has_the_numbers_of_its_table(open_learn):
    found = json.loads((PROJECT / "assets" / "results" / "mnist.json").read_text())
    table = read_comparison(PROJECT / "assets" / "results" / "mnist.json")
    assert found["classes"] == list("0123456789")
    value = {
        (row.method.detector, row.method.style_weight, domain): f"{row.entries[domain].value:.3f}"
        for row in table.rows
        for domain in ("mnist", "mnist_m")
    }
    told = texts(open_learn(step=7))
    assert f"from {value['gnl', 0.0, 'mnist_m']} to {value['gnl', 1.0, 'mnist_m']}; the paper has" in told
    assert value["gnl", None, "mnist_m"] in told
    assert "mean of 30 runs" in told


def test_without_tables_there_is_no_note():
    assert comparison_note([]) == ""


def test_the_users_folder_is_reported_and_named_in_the_command(open_learn, own_images):
    root = own_images(labelled=True)
    page = open_learn(step=9, own_folder=root)
    assert not page.exception
    assert [found.value for found in page.success] == [
        "8 normal images for training; domains to test: in “lamp”, in “window”."
    ]
    assert f"--data-root '{root}'" in page.code[1].value


def test_a_missing_folder_is_reported_in_one_sentence(open_learn, tmp_path):
    page = open_learn(step=9, own_folder=tmp_path / "none")
    assert not page.exception
    assert "This folder cannot be used: there is no folder" in page.error[0].value


def test_lecture_mode_is_in_the_address_and_makes_figures_higher(open_learn):
    heights = [charts(open_learn(step=2, lecture=mode))[0]["layout"]["height"] for mode in ("false", "true")]
    assert heights[1] == pytest.approx(1.35 * heights[0])


@pytest.mark.parametrize("number", [1, 2, 3, 5, 6, 7, 8])
def test_missing_bundled_runs_are_reported_in_one_sentence(open_learn, monkeypatch, tmp_path, number):
    monkeypatch.setattr(cache, "BUNDLED", tmp_path)
    page = open_learn(step=number)
    assert not page.exception
    assert [error.value for error in page.error] == [
        "This step cannot be shown: the project's bundled runs are missing from assets/checkpoints; "
        "run make checkpoints to train them again"
    ]


def test_what_a_shift_does_is_shown_without_pytorch(own_runs):
    code = """
import sys
from streamlit.testing.v1 import AppTest
page = AppTest.from_string("from app.screens.learn.page import page\\npage()", default_timeout=60)
page.query_params["step"] = "2"
page.run().button(key="reveal").click().run()
assert page.get("plotly_chart") and not page.exception
print("torch" in sys.modules)
"""
    environment = os.environ | {"GNL_RUNS": str(own_runs), "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-c", code]
    told = subprocess.run(command, check=True, cwd=PROJECT, env=environment, capture_output=True, text=True).stdout
    assert told.strip() == "False"


@pytest.mark.parametrize(
    ("file", "colours"),
    [
        ("matching.css", {"NORMAL": NORMAL, "ACCENT": ACCENT, "GREY": GREY}),
        ("watching.css", {"NORMAL": NORMAL, "ACCENT": ACCENT, "GREY": GREY}),
        ("histograms.css", {"NORMAL": NORMAL, "ANOMALOUS": ANOMALOUS, "ACCENT": ACCENT, "GREY": GREY}),
    ],
)
def test_the_browser_components_have_the_colours_of_the_charts(file, colours):
    css = (PROJECT / "app" / "frontend" / file).read_text().upper()
    assert all(f"--{name}: {colour};" in css for name, colour in colours.items())


def test_the_lesson_is_offered_as_a_file(open_learn, monkeypatch):
    offered = {}
    monkeypatch.setattr(navigation, "offer_file", lambda label, name, make: offered.update({name: make()}))
    assert not open_learn().exception
    assert offered == {"lesson.html": (PROJECT / "assets" / "lesson.html").read_text(encoding="utf-8")}

"""The page Explore, without a browser, on the bundled digits."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from app.screens.explore.figures import SLIDER
from tests.app.conftest import PROJECT, charts, components, finding, panel_texts, panels, tiles

BUNDLED = Path(__file__).parents[2] / "assets" / "checkpoints"


def test_the_first_visit_shows_digit_4_under_both_methods(open_page):
    page = open_page()
    assert not page.exception
    assert "RD4AD separates 4 from the rest" in finding(page)
    assert "GNL + FDM 1 gets" in finding(page)
    assert [row["name"] for row in components(page, "histograms")] == ["RD4AD", "GNL"]
    assert len(charts(page)) == 1  # the losses


def test_all_histograms_share_one_score_axis(open_page):
    first, *others = panels(open_page())
    assert len(first["edges"]) == 41
    assert all((panel["edges"], panel["top"]) == (first["edges"], first["top"]) for panel in others)


def test_the_bars_of_each_label_are_the_shares_of_its_saved_scores(open_page):
    table = pyarrow.parquet.read_table(BUNDLED / "digits-4-rd4ad" / "scores.parquet").to_pandas()
    rows = table[(table["domain"] == "digits_m") & (table["style_weight"] == 0.0)]
    panel = panels(open_page())[1]
    for label, drawn in zip((0, 1), panel["shares"], strict=False):
        counts, _ = np.histogram(rows["score"][rows["label"] == label], bins=panel["edges"])
        assert drawn == pytest.approx(counts / counts.sum(), abs=1e-4)
    assert panel["shares"][2] == [0.0] * 40  # all are labelled


def test_matching_changes_only_the_method_for_which_it_is_on(open_page):
    page = open_page()
    before = panel_texts(page)
    page.toggle(key="fdm_gnl").set_value(False).run()
    after = panel_texts(page)
    assert "GNL gets" in finding(page)
    assert before[:2] == after[:2]  # RD4AD
    assert before[2:] != after[2:]


def test_the_slider_under_the_charts_has_the_servers_results_at_every_strength(open_page):
    page = open_page()
    (slider,) = components(page, "slider")
    assert slider == {"strengths": [0.0, 0.25, 0.5, 0.75, 1.0], "shown": 1.0}
    unmatched, matched = components(page, "histograms")
    assert [len(panel["states"]) for panel in unmatched["panels"]] == [1, 1]
    states = [panel["states"] for panel in matched["panels"]]
    chosen = page.select_slider(key="strength")
    assert chosen.label not in SLIDER  # each says what it changes
    chosen.set_value(0.25).run()
    assert [state[1]["auroc"] for state in states] == [panel["auroc"] for panel in panels(page)[2:]]
    assert [state[1]["threshold"] for state in states] != [state[4]["threshold"] for state in states]


def test_without_matching_the_charts_have_no_slider(open_page):
    page = open_page(fdm_gnl="false")
    assert len(panels(page)) == 4
    assert not components(page, "slider")


def test_the_strength_of_matching_moves_the_scores(open_page):
    page = open_page()
    strongest = finding(page)
    page.select_slider(key="strength").set_value(0.25).run()
    assert not page.exception
    assert "FDM 0.25" in finding(page)
    assert finding(page) != strongest


def test_one_method_can_be_shown_alone(open_page):
    page = open_page()
    page.multiselect(key="methods").set_value(["rd4ad"]).run()
    assert not page.exception
    assert "GNL" not in finding(page)
    assert "gallery_of" not in page.session_state  # nothing to choose between


def test_the_gallery_shows_sixteen_images_ordered_by_score(open_page):
    page = open_page()
    scores = [float(tile["score"]) for tile in tiles(page)]
    assert len(scores) == 16
    assert scores == sorted(scores, reverse=True)


def test_the_gallery_shows_only_the_chosen_range_of_scores(open_page):
    page = open_page()
    page.slider(key="between").set_range(1.2, 1.4).run()
    assert not page.exception
    scores = [float(tile["score"]) for tile in tiles(page)]
    assert scores
    assert all(1.2 <= score <= 1.41 for score in scores)


@pytest.mark.parametrize("kind", ["Rescued by FDM", "Hurt by FDM", "Failed with and without", "Moved most by FDM"])
def test_the_gallery_can_show_what_matching_does_to_single_images(open_page, kind):
    page = open_page()
    page.selectbox(key="order").set_value(kind).run()
    assert not page.exception
    assert not page.error


def test_choices_about_matching_are_not_offered_for_a_method_without_it(open_page):
    page = open_page(fdm_gnl="false")
    assert list(page.selectbox(key="order").options) == ["Most anomalous", "Most normal"]


def test_a_digit_without_checkpoints_offers_to_train_one(open_page):
    page = open_page()
    page.selectbox(key="normal").set_value("7").run()
    assert not page.exception
    assert "RD4AD and GNL have no checkpoint with 7 as the normal class yet." in page.info[0].value
    assert "Train for 10 epochs" in page.button[0].label


@pytest.mark.usefixtures("trained_at_once")
def test_a_training_on_the_page_ends_in_a_run_that_is_shown(open_page, own_runs):
    page = open_page()
    page.selectbox(key="normal").set_value("7").run()
    page.selectbox(key="train_detector").set_value("rd4ad")
    page.selectbox(key="train_size").set_value(32)
    page.number_input(key="train_epochs").set_value(1).run()
    page.button[0].click().run()
    assert not page.exception
    assert not page.error
    assert len(list(own_runs.glob("digits-7-rd4ad-*/weights.safetensors"))) == 1
    assert "RD4AD separates 7 from the rest" in finding(page)


@pytest.mark.usefixtures("damaged_checkpoint")
def test_a_damaged_checkpoint_is_reported_in_one_sentence_on_a_page_that_still_works(open_page):
    page = open_page()
    page.selectbox(key="normal").set_value("7").run()
    assert not page.exception
    assert "is damaged or not a checkpoint" in page.error[0].value
    assert page.button[0].label.startswith("Train")


def test_a_run_with_unreadable_settings_is_named_and_left_out(open_page, own_runs):
    broken = own_runs / "odd"
    shutil.copytree(BUNDLED / "digits-4-gnl", broken)
    (broken / "config.json").write_text("{}}")
    page = open_page()
    assert not page.exception
    assert "odd" in page.warning[0].value
    assert "GNL + FDM 1 gets" in finding(page)


def test_an_address_restores_its_view(open_page):
    page = open_page(normal="4", strength="0.5", fdm_rd4ad="true")
    assert "RD4AD + FDM 0.5 separates" in finding(page)


def test_a_corruption_with_its_severity_can_be_the_shift(open_page):
    page = open_page()
    page.multiselect(key="methods").set_value(["rd4ad"]).run()
    page.selectbox(key="shift").set_value("contrast").run()
    page.select_slider(key="severity").set_value(5).run()
    assert not page.exception
    assert not page.error
    assert finding(page).startswith("##### Under contrast, severity 5, RD4AD separates 4")


def test_the_scores_and_the_charts_can_be_downloaded(open_page):
    page = open_page()
    assert {one.label for one in page.get("download_button")} >= {"CSV", "SVG", "PNG", "HTML"}


def test_the_charts_are_drawn_before_slow_packages_are_imported(own_runs):
    code = """
import sys
from streamlit.testing.v1 import AppTest

SCRIPT = '''
import sys
from app.screens.explore import page

page.draw_stories = lambda *_: print("slow:", *({"pandas", "sklearn", "torch"} & set(sys.modules)))
page.load_pandas = page.show_images = page.training = lambda *_: None
page.page()
'''
assert not AppTest.from_string(SCRIPT, default_timeout=120).run().exception
"""
    environment = os.environ | {"GNL_RUNS": str(own_runs), "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-c", code]
    told = subprocess.run(command, check=True, cwd=PROJECT, env=environment, capture_output=True, text=True).stdout
    assert "slow:\n" in told

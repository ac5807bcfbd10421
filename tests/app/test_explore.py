"""The page Explore, without a browser."""

import json
import shutil
from pathlib import Path

import pytest
from streamlit import config
from streamlit.testing.v1 import AppTest

PROJECT = Path(__file__).parents[2]
BUNDLED = PROJECT / "assets" / "checkpoints"
SLOW_SECONDS = 120


@pytest.fixture(autouse=True)
def own_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("GNL_RUNS", str(tmp_path))
    config.set_option("client.showErrorDetails", "full")  # else an exception would show as nothing
    return tmp_path


def open_page(**query):
    page = AppTest.from_file(str(PROJECT / "app" / "main.py"), default_timeout=SLOW_SECONDS)
    for key, value in query.items():
        page.query_params[key] = value
    return page.run()


def finding(page):
    return next(element.value for element in page.markdown if element.value.startswith("#####"))


def charts(page):
    return [json.loads(chart.proto.spec) for chart in page.get("plotly_chart")]


def auroc_notes(figures):
    return [note["text"] for figure in figures for note in figure["layout"]["annotations"]]


def test_the_first_visit_shows_digit_4_under_both_methods():
    page = open_page()
    assert not page.exception
    assert "RD4AD separates 4 from the rest" in finding(page)
    assert "GNL + FDM 1 gets" in finding(page)
    assert len(charts(page)) == 5  # two histograms for each method, and the losses


def test_all_histograms_share_one_score_axis():
    *histograms, _ = charts(open_page())
    for axis in ("xaxis", "yaxis"):
        ranges = [figure["layout"][axis]["range"] for figure in histograms]
        assert all(shown == ranges[0] for shown in ranges)


def test_matching_changes_the_method_it_is_switched_on_for_and_no_other():
    page = open_page()
    before = charts(page)
    page.toggle(key="fdm_gnl").set_value(False).run()
    after = charts(page)
    (rd4ad, gnl), (rd4ad_after, gnl_after) = (
        [auroc_notes(figures[:2]), auroc_notes(figures[2:4])] for figures in (before, after)
    )
    assert "GNL gets" in finding(page)
    assert rd4ad == rd4ad_after
    assert gnl != gnl_after


def test_the_strength_of_matching_moves_the_scores():
    page = open_page()
    strongest = finding(page)
    page.select_slider(key="strength").set_value(0.25).run()
    assert not page.exception
    assert "FDM 0.25" in finding(page)
    assert finding(page) != strongest


def test_one_method_can_be_shown_alone():
    page = open_page()
    page.segmented_control(key="method").set_value("rd4ad").run()
    assert not page.exception
    assert "GNL" not in finding(page)


def test_the_gallery_holds_sixteen_images_in_the_order_of_their_scores():
    page = open_page()
    captions = [element.value for element in page.markdown if "of training" in element.value]
    scores = [float(caption.split("**")[1]) for caption in captions]
    assert len(scores) == 16
    assert scores == sorted(scores, reverse=True)


def test_a_digit_without_checkpoints_offers_to_train_one():
    page = open_page()
    page.selectbox(key="normal").set_value("7").run()
    assert not page.exception
    assert len(page.info) == 2
    assert "Train for 10 epochs" in page.button[0].label


def test_a_training_on_the_page_ends_in_a_run_that_is_shown(own_runs):
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


def test_a_damaged_checkpoint_gives_one_sentence_and_leaves_the_page_standing(own_runs):
    broken = own_runs / "digits-7-gnl-broken"
    shutil.copytree(BUNDLED / "digits-4-gnl", broken)
    settings = json.loads((broken / "config.json").read_text())
    (broken / "config.json").write_text(json.dumps(settings | {"normal_class": "7"}))
    weights = (broken / "weights.safetensors").read_bytes()
    (broken / "weights.safetensors").write_bytes(weights[: len(weights) // 2])
    page = open_page()
    page.selectbox(key="normal").set_value("7").run()
    assert not page.exception
    assert "is damaged or no checkpoint" in page.error[0].value
    assert page.button[0].label.startswith("Train")


def test_a_run_with_unreadable_settings_is_named_and_left_out(own_runs):
    broken = own_runs / "odd"
    shutil.copytree(BUNDLED / "digits-4-gnl", broken)
    (broken / "config.json").write_text("{}}")
    page = open_page()
    assert not page.exception
    assert "odd" in page.warning[0].value
    assert "GNL + FDM 1 gets" in finding(page)


def test_an_address_brings_its_view_back():
    page = open_page(normal="4", strength="0.5", fdm_rd4ad="true")
    assert "RD4AD + FDM 0.5 separates" in finding(page)


def test_a_corruption_with_its_severity_can_be_the_shift():
    page = open_page()
    page.segmented_control(key="method").set_value("rd4ad").run()
    page.selectbox(key="shift").set_value("contrast").run()
    page.select_slider(key="severity").set_value(5).run()
    assert not page.exception
    assert not page.error
    assert finding(page).startswith("##### Under contrast, severity 5, RD4AD separates 4")

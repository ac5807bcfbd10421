"""The page Explore, without a browser, on the bundled digits."""

import shutil
from pathlib import Path

import pytest

from tests.app.conftest import charts, finding, notes, tiles

BUNDLED = Path(__file__).parents[2] / "assets" / "checkpoints"


def test_the_first_visit_shows_digit_4_under_both_methods(open_page):
    page = open_page()
    assert not page.exception
    assert "RD4AD separates 4 from the rest" in finding(page)
    assert "GNL + FDM 1 gets" in finding(page)
    assert len(charts(page)) == 2  # the histograms, and the losses


def test_all_histograms_share_one_score_axis(open_page):
    histograms, _ = charts(open_page())
    for axis in ("xaxis", "yaxis"):
        ranges = [histograms["layout"][f"{axis}{panel}"]["range"] for panel in ("", "2", "3", "4")]
        assert all(shown == ranges[0] for shown in ranges)


def test_matching_changes_only_the_method_for_which_it_is_on(open_page):
    page = open_page()
    before = notes(charts(page)[0])
    page.toggle(key="fdm_gnl").set_value(False).run()
    after = notes(charts(page)[0])
    assert "GNL gets" in finding(page)
    assert before[:2] == after[:2]  # RD4AD
    assert before[2:] != after[2:]


def test_the_slider_under_the_charts_has_the_servers_results_at_every_strength(open_page):
    page = open_page()
    (histograms, _) = charts(page)
    frames = {frame["name"]: frame["data"] for frame in histograms["frames"]}
    assert list(frames) == ["0", "0.25", "0.5", "0.75", "1"]
    page.select_slider(key="strength").set_value(0.25).run()
    shown = notes(charts(page)[0])
    assert [part["text"][0] for part in frames["0.25"] if "text" in part] == shown
    assert [part["text"][0] for part in frames["1"] if "text" in part] == notes(histograms) != shown


def test_without_matching_the_charts_have_no_slider(open_page):
    page = open_page(fdm_gnl="false")
    assert not charts(page)[0].get("frames")
    assert "sliders" not in charts(page)[0]["layout"]


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
    assert "4 as its normal class" not in page.info[0].value
    assert "RD4AD, GNL" in page.info[0].value
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

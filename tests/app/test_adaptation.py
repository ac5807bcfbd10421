"""Adapting to a new domain on Explore, without a browser."""

import re
import subprocess
import sys

import pytest

from app.checkpoints import BUNDLED
from gnl_core.config import scoring_settings
from gnl_core.datasets import list_items
from gnl_core.runs.adapted_domains import adapt_and_score
from gnl_core.runs.adapted_scores import TrayChoice, read_adapted
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.scoring import load_run
from tests.app.conftest import PROJECT, components, finding, panel_texts, panels, texts, tiles

UNLABELLED, NORMAL = "adapt to n of its images", "adapt to k normal images"
LIGHTING = {"data": "Parts (rendered)", "shift": "lit from another side"}
WITHOUT_TORCH = """
import sys
from app.adaptation import adapt_result
from app.checkpoints import list_checkpoints
from app.scoring import compute_result, make_request
from gnl_core.datasets import find_dataset
from gnl_core.runs.adapted_scores import TrayChoice

checkpoint = next(one for one in list_checkpoints()[0] if one.config.dataset == "digits")
result = compute_result(make_request(checkpoint, style_weight=0.0), spec=find_dataset("digits"), shifted="digits_m")
assert adapt_result(result, TrayChoice(16), shifted="digits_m").adapted
assert "torch" not in sys.modules
"""


def choose(page, way, size=None):
    page.selectbox(key="adapt").set_value(way).run()
    if size:
        page.select_slider(key="tray").set_value(size).run()
    assert not page.exception
    assert not page.error
    return page


def line(page, beginning):
    """The only line of a caption that begins so."""
    (found,) = [part for text in texts(page) for part in text.split("  \n") if part.startswith(beginning)]
    return found


def test_a_domain_is_taken_as_it_is_at_first(open_page):
    page = open_page()
    assert page.selectbox(key="adapt").value == "as it is"
    assert "Adapting" not in finding(page)
    assert not [slider for slider in page.select_slider if slider.key == "tray"]


def test_the_sentence_states_what_the_shift_matching_and_adapting_did(open_page):
    page = choose(open_page(**LIGHTING), UNLABELLED)
    shift, matching, adapting, errors = finding(page).split(". ")
    assert shift.startswith(
        "##### Lit from another side, RD4AD separates good nut images from defective ones with AUROC 0.83"
    )
    assert re.fullmatch(r"GNL \+ FDM 1 gets 0\.7\d \(−0\.\d\d\); FDM lowers it by 0\.\d\d", matching)
    assert adapting == "Adapting to 16 of these images raises RD4AD from 0.83 to 0.98 and GNL from 0.85 to 0.98"
    assert errors.startswith("RD4AD's false alarms go from 100\N{NO-BREAK SPACE}% to 8")


def test_only_the_shifted_panels_change_and_the_strengths_have_no_slider(open_page):
    page = open_page(**LIGHTING)
    before = panel_texts(page)
    after = panel_texts(choose(page, UNLABELLED))
    assert (before[0], before[2]) == (after[0], after[2])
    assert before[1] != after[1]
    assert before[3] != after[3]
    assert not components(page, "slider")


def test_standardised_scores_have_an_axis_of_their_own(open_page):
    edges = [panel["edges"] for panel in panels(choose(open_page(**LIGHTING), UNLABELLED))]
    assert edges[0] == edges[2]
    assert edges[1] == edges[3]
    assert edges[1][-1] > 5 * edges[0][-1]


def test_the_way_its_reason_the_images_and_the_threshold_are_stated(open_page):
    page = choose(open_page(**LIGHTING), UNLABELLED)
    beside = line(page, "Adapted to 16 unlabelled images, 2 of them anomalous (12.5\N{NO-BREAK SPACE}%)")
    assert beside.endswith("n = 26 normal, 58 anomalous")
    assert "the shift raises anomaly maps in the same places" in line(page, "RD4AD: anomaly maps are standardised")
    assert "nothing is promised" in line(page, "Threshold: assumes 10\N{NO-BREAK SPACE}% anomalies")
    page = open_page(**LIGHTING, adapt=NORMAL, tray="8")
    assert line(page, "Threshold:").startswith("Threshold: at most 11.1\N{NO-BREAK SPACE}% false alarms on average")


def test_where_auroc_stays_low_no_threshold_is_said_to_help(open_page):
    page = choose(open_page(), UNLABELLED)
    assert line(page, "AUROC stays low (RD4AD 0.7").endswith("no threshold can bring back what is lost")


def test_trays_that_the_domain_cannot_provide_are_not_offered(open_page):
    page = open_page(**LIGHTING, adapt=NORMAL, tray="8")  # 40 normal images, half of which may be drawn
    assert page.select_slider(key="tray").options == ["4", "8", "16"]


def test_the_gallery_links_to_images_by_their_number_in_the_whole_domain(open_page):
    page = choose(open_page(), UNLABELLED)
    assert "703 of 703 images; GNL, adapted, shifted" in texts(page)
    entries = read_adapted(RunFolder(BUNDLED / "digits-4-gnl"))
    (found,) = [entry.adapted for entry in entries if (entry.domain, entry.choice) == ("digits_m", TrayChoice(16))]
    every = [item.path for item in list_items("digits", normal_class="4", domain="digits_m")]
    number = every.index(found.paths[found.score.argmax()]) + 1
    assert f"image={number}" in tiles(page)[0]["address"].split("&")


@pytest.mark.parametrize(
    "kind", ["Rescued by adapting", "Hurt by adapting", "Failed before and after", "Moved most by adapting"]
)
def test_the_gallery_can_show_what_adapting_does_to_single_images(open_page, kind):
    page = choose(open_page(), UNLABELLED)
    page.selectbox(key="order").set_value(kind).run()
    assert not page.exception
    assert not page.error
    assert tiles(page)


def test_an_address_restores_how_a_domain_is_adapted_to(open_page):
    page = open_page(**LIGHTING, adapt=NORMAL, tray="8")
    assert "Adapting to 8 normal images raises RD4AD" in finding(page)


def test_an_unlabelled_domain_is_taken_as_it_is(open_page, train, own_images):
    root = own_images(labelled=False)
    train(detector="rd4ad", dataset="folder", normal_class="good", data_root=root)
    page = open_page(data="Your own images", folder=str(root), adapt=UNLABELLED)
    assert not page.exception
    assert page.selectbox(key="adapt").options == ["as it is"]


def test_a_domain_without_saved_results_is_adapted_to_now(open_page, train):
    train(detector="rd4ad", normal_class="7")
    page = choose(open_page(normal="7"), NORMAL, size=4)
    assert "Adapting to 4 normal images " in finding(page)


def test_a_checkpoint_that_cannot_be_adapted_is_reported_and_shown_as_it_is(open_page, train):
    train(detector="rd4ad", normal_class="7", stored_references=0)
    page = open_page(normal="7", methods="RD4AD", adapt=NORMAL, tray="4")
    assert not page.exception
    assert "Nothing is adapted: this checkpoint keeps no references" in page.error[0].value
    assert "RD4AD separates 7 from the rest" in finding(page)
    assert "Adapting" not in finding(page)


def test_a_method_without_a_teacher_gets_a_new_threshold_alone(open_page, train):
    train(detector="deep_svdd", normal_class="7")
    page = open_page(normal="7", methods="Deep SVDD", adapt=NORMAL, tray="4")
    assert line(page, "Only the threshold changes").endswith("no teacher whose features could be matched")


def test_saved_results_need_no_pytorch():
    subprocess.run([sys.executable, "-c", WITHOUT_TORCH], cwd=PROJECT, check=True)


def test_the_bundled_results_are_those_of_their_checkpoints():
    folder = RunFolder(BUNDLED / "parts-nut-rd4ad")
    run, choice = load_run(folder, device="cpu"), TrayChoice(8)
    now = adapt_and_score(run, "parts_lighting", scoring_settings(run.config, style_weight=0.0), choice)
    (saved,) = [entry.adapted for entry in read_adapted(folder) if entry[::2] == ("parts_lighting", choice)]
    assert saved.ways.standardise == now.ways.standardise
    assert saved.score == pytest.approx(now.score, rel=1e-2)
    assert saved.tray == now.tray

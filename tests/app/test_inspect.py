"""The page Inspect, without a browser, on the bundled digits."""

import io
from functools import partial
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from streamlit.testing.v1 import AppTest

from gnl_core.runs.folder import RunFolder
from gnl_core.runs.scores import read_saved_scores
from tests.app.conftest import charts, texts

BUNDLED = Path(__file__).parents[2] / "assets" / "checkpoints"


@pytest.fixture
def open_inspect(open_screen):
    return partial(open_screen, "inspect")


def scores(page: AppTest) -> list[float]:
    """The scores below the maps: a method without matching, then with it."""
    found = {
        title.strip("*"): float(told.split("**")[1])
        for title, told in zip(texts(page), texts(page)[1:], strict=False)
        if "of training]" in told
    }
    return [found[title] for title in sorted(found)]


def titles(page: AppTest) -> list[str]:
    """The methods' scoring requests."""
    return [text.strip("*") for text in texts(page) if text.startswith(("**RD4AD", "**GNL", "**kNN"))]


def png(shape: tuple[int, int] = (28, 28)) -> bytes:
    file = io.BytesIO()
    PIL.Image.fromarray(np.random.default_rng(0).integers(256, size=(*shape, 3)).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def test_the_first_visit_shows_one_image_under_both_methods_without_matching_and_with_it(open_inspect):
    page = open_inspect()
    assert not page.exception
    assert "**Image 1 of 719**" in texts(page)
    assert sorted(titles(page)) == ["GNL", "GNL + FDM 1", "RD4AD", "RD4AD + FDM 1"]
    assert len(charts(page)) == 2  # sorted values, single references


def test_the_scores_are_those_on_file(open_inspect):
    page = open_inspect(image="37")
    rows = read_saved_scores(RunFolder(BUNDLED / "digits-4-gnl"))
    here = (rows["domain"] == "digits_m") & np.isin(rows["style_weight"], [0.0, 1.0])
    wanted = {weight: rows["score"][here & (rows["style_weight"] == weight)][36] for weight in (0.0, 1.0)}
    assert scores(page)[:2] == pytest.approx([wanted[0.0], wanted[1.0]], abs=6e-4)


def test_the_stages_add_up_to_the_score(open_inspect):
    page = open_inspect()
    stages = next(text for text in texts(page) if text.startswith("**Stages**"))
    parts, total = stages.removeprefix("**Stages**: ").split(" = ")
    assert sum(map(float, parts.split(" + "))) == pytest.approx(float(total), abs=2e-3)
    assert float(total) == scores(page)[1]  # GNL with matching is explained first


def test_the_provenance_of_the_numbers_is_shown(open_inspect):
    page = open_inspect()
    (origin,) = [text for text in texts(page) if text.startswith("GNL: n = ")]
    assert "seed 0 · checkpoint 972f728d · EfficientNet-Lite0" in origin


def test_next_and_previous_step_through_the_images(open_inspect):
    page = open_inspect()
    assert page.button(key="previous").disabled
    page.button(key="next").click().run()
    assert "**Image 2 of 719**" in texts(page)
    page.button(key="previous").click().run()
    assert "**Image 1 of 719**" in texts(page)


def test_an_address_restores_its_image(open_inspect):
    page = open_inspect(image="5", side="In-distribution", strength="0.5", why="RD4AD, FDM on", stage="2", channel="3")
    assert "**Image 5 of 719**" in texts(page)
    assert "RD4AD + FDM 0.5" in titles(page)
    assert any("in-distribution: as written" in text for text in texts(page))
    assert page.number_input(key="channel").value == 3
    assert page.session_state["stage"] == 2
    assert page.session_state["why"] == "RD4AD, FDM on"


def test_a_number_beyond_the_last_image_still_shows_an_image(open_inspect):
    page = open_inspect(image="9999")
    assert not page.exception
    assert any(text.startswith("**Image ") for text in texts(page))


def test_the_curves_of_a_matched_channel_end_where_the_reference_is(open_inspect):
    curves = charts(open_inspect())[0]
    by_name = {trace["name"]: trace["y"] for trace in curves["data"]}
    assert by_name["after"] == by_name["reference"] != by_name["before"]


def test_without_matching_a_score_does_not_depend_on_the_references(open_inspect):
    page = open_inspect(why="GNL, FDM off")
    assert not page.exception
    assert any("does not depend on any reference" in text for text in texts(page))
    by_name = {trace["name"]: trace["y"] for trace in charts(page)[0]["data"]}
    assert by_name["after"] == by_name["before"]


def test_a_method_without_stages_shows_its_score_and_the_reason(open_inspect, train):
    train(detector="knn")
    page = open_inspect(methods=["kNN"])
    assert not page.exception
    assert "kNN has no student" in page.info[0].value
    assert sorted(titles(page)) == ["kNN", "kNN + FDM 1"]


def test_a_class_without_checkpoints_shows_the_image_and_says_where_to_train(open_inspect):
    page = open_inspect(normal="7")
    assert not page.exception
    assert "**Image 1 of" in next(text for text in texts(page) if text.startswith("**Image"))
    assert (
        "RD4AD and GNL have no checkpoint with 7 as the normal class yet. Train one on the page Explore."
        in page.info[0].value
    )


def test_an_uploaded_image_replaces_the_data_sets_image(open_inspect):
    page = open_inspect()
    before = scores(page)
    page.segmented_control(key="from").set_value("Your image").run()
    assert "**Image 1 of 719**" in texts(page)  # nothing is dropped in yet
    page.file_uploader(key="dropped").set_value([("four.png", png(), "image/png")]).run()
    assert not page.exception
    assert "**Your image**" in texts(page)
    assert any("four.png" in text for text in texts(page))
    assert len(scores(page)) == 4
    assert scores(page) != before


def test_a_file_that_is_not_an_image_is_reported_and_the_data_sets_image_is_shown(open_inspect):
    page = open_inspect()
    page.segmented_control(key="from").set_value("Your image").run()
    page.file_uploader(key="dropped").set_value([("four.png", b"no image", "image/png")]).run()
    assert not page.exception
    assert [error.value for error in page.error] == [
        "This image cannot be used: four.png is not a PNG or JPEG image despite its name; save it as PNG or JPEG."
    ]
    assert "**Image 1 of 719**" in texts(page)


@pytest.mark.usefixtures("damaged_checkpoint")
def test_a_damaged_checkpoint_is_reported_in_one_sentence(open_inspect):
    page = open_inspect(normal="7")
    assert not page.exception
    assert "is damaged or not a checkpoint" in page.error[0].value


@pytest.mark.usefixtures("damaged_checkpoint")
def test_a_damaged_checkpoint_does_not_affect_the_other_methods(open_inspect, train):
    train(dataset="digits", detector="rd4ad", normal_class="7")
    page = open_inspect(normal="7")
    assert not page.exception
    assert [error.value[:16] for error in page.error] == ["GNL is left out:"]
    assert "**RD4AD**" in texts(page)


def test_more_references_than_a_checkpoint_stores_are_refused_in_one_sentence(open_inspect):
    page = open_inspect(reference_count="20")
    assert not page.exception
    assert "stores 8 references, but 20 are requested" in page.error[0].value


def test_masks_and_maps_of_the_parts_are_shown(open_inspect):
    page = open_inspect(data="Parts (rendered)", image="100")
    assert not page.exception
    assert not page.error
    assert any("missing thread" in text for text in texts(page))


def test_the_score_is_shown_with_each_of_sixteen_other_training_images_as_the_only_reference(open_inspect):
    page = open_inspect()
    assert "**With each of 16 training images as the only reference**" in [text.value for text in page.markdown]


def test_scores_maps_and_commands_can_be_downloaded(open_inspect):
    page = open_inspect(image="38", side="Shifted")
    assert {one.label for one in page.get("download_button")} >= {"CSV", "PNG"}
    lines = page.code[-1].value.splitlines()
    assert [line.split()[:3] for line in lines] == [
        ["gnl", "score", f"assets/checkpoints/digits-4-{detector}"] for detector in ("rd4ad", "gnl")
    ]
    assert all("--domain digits_m" in line for line in lines)
    assert "--domain digits " in open_inspect(image="38", side="In-distribution").code[-1].value

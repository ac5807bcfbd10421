"""The page Embeddings, without a browser, on the bundled digits and on tiny runs."""

from __future__ import annotations

import csv
import io
import re

import numpy as np
import pytest

from app.embedding import kept_parts
from app.screens.embeddings.figure import Key, read_selection
from app.server import people, rules
from tests.app.conftest import charts, finding, texts, tiles

FEW = {"data": "Digits", "per_group": 16}


@pytest.fixture(autouse=True)
def nothing_kept():
    kept_parts().clear()


@pytest.fixture
def open_embeddings(open_screen):
    """A function that opens the page with few images per group."""

    def open_at(**query):
        page = open_screen("embeddings", **FEW | query)
        assert not page.exception
        return page

    return open_at


def distances(page):
    """The table of distances: state to its cells."""
    (table,) = (text.value for text in page.markdown if text.value.startswith("|  | Shift"))
    rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table.splitlines()[2:]]
    return {first: cells for first, *cells in rows}


def places(panel):
    """The points of each group in a panel."""
    return {trace["name"]: list(zip(trace["x"], trace["y"], strict=True)) for trace in panel["data"]}


def test_each_state_has_a_panel_whose_training_images_stay(open_embeddings):
    page = open_embeddings()
    as_it_is, matched = map(places, charts(page))
    assert list(as_it_is) == [
        "training",
        *(f"{side}, {label}" for side in ("in-distribution", "shifted") for label in ("anomalous", "normal")),
    ]
    assert all(len(points) == 16 for points in as_it_is.values())
    assert as_it_is["training"] == matched["training"]
    assert as_it_is["shifted, normal"] != matched["shifted, normal"]


def test_the_sentence_has_the_distances_of_the_table(open_embeddings):
    page = open_embeddings()
    sentence, rows = finding(page), distances(page)
    assert list(rows) == ["As it is", "FDM 1"]
    shift, anomaly, _, share = rows["As it is"]
    assert f"lie {float(shift):.1f} from in-distribution ones in GNL's embedding" in sentence
    assert f"anomalies {float(anomaly):.1f} from normal images" in sentence
    assert f"{share} of the squared distance is shift" in sentence
    assert float(share.split("\N{NO-BREAK SPACE}")[0]) == pytest.approx(
        100 * float(shift) ** 2 / (float(shift) ** 2 + float(anomaly) ** 2), abs=1
    )


def test_matching_takes_away_shift(open_embeddings):
    rows = distances(open_embeddings())
    assert float(rows["FDM 1"][0]) < float(rows["As it is"][0])


def test_adapting_has_a_panel_of_its_own_and_leaves_out_what_it_has_seen(open_embeddings):
    page = open_embeddings(adapt="adapt to n of its images", tray=4)
    assert list(distances(page)) == ["As it is", "FDM 1", "Adapted to 4 images"]
    assert any(
        text.startswith("Adapted to 4 unlabelled images") and "and left out here" in text for text in texts(page)
    )


def test_selected_points_fill_the_gallery_with_links_to_inspect(open_embeddings):
    page = open_embeddings()
    (name,) = (number for number, trace in enumerate(charts(page)[0]["data"]) if trace["name"] == "shifted, normal")
    chosen = [{"curve_number": name, "point_index": index} for index in range(3)]
    page.session_state["plane_0"] = {"selection": {"points": chosen, "point_indices": [], "box": [], "lasso": []}}
    page.run()
    shown = tiles(page)
    assert {(tile["label"], tile["place"]) for tile in shown} == {("normal", "shifted")}
    assert len(shown) == 3
    assert all(re.search(r"^inspect\?.*side=Shifted&image=\d+", tile["address"]) for tile in shown)
    assert "3 of 64 images, selected in the panels" in texts(page)


def test_the_slider_and_the_groups_select_from_the_keyboard(open_embeddings):
    page = open_embeddings()
    away = [float(tile["score"]) for tile in tiles(page)]
    assert away == sorted(away, reverse=True)
    page.multiselect(key="of_groups").set_value(["In-distribution, normal"]).run()
    (slider,) = (one for one in page.slider if one.label.startswith("Distance"))
    slider.set_value((slider.min, (slider.min + slider.max) / 2)).run()
    assert not page.exception
    shown = tiles(page)
    assert 0 < len(shown) < 16
    assert {(tile["label"], tile["place"]) for tile in shown} == {("normal", "in-distribution")}
    page.selectbox(key="by_distance").set_value("Nearest first").run()
    away = [float(tile["score"]) for tile in tiles(page)]
    assert away == sorted(away)


def test_the_panels_can_have_the_training_images_components_as_axes(open_embeddings):
    page = open_embeddings()
    before = places(charts(page)[0])
    assert charts(page)[0]["layout"]["xaxis"]["title"]["text"] == "shift"
    page.segmented_control(key="axes").set_value("principal components").run()
    assert not page.exception
    assert charts(page)[0]["layout"]["xaxis"]["title"]["text"].startswith("1st principal component")
    assert places(charts(page)[0])["training"] != before["training"]


def test_training_images_in_a_selection_are_ignored():
    points = [{"curve_number": 0, "point_index": 5}, {"curve_number": 1, "point_index": 1}]
    assert read_selection(points, [[], [Key(0, 7), Key(0, 9)]]) == {Key(0, 9)}


def test_the_csv_has_one_row_per_image_and_state(open_embeddings):
    from app.screens.embeddings import downloads

    made = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(downloads, "offer_file", lambda label, name, make: made.append((name, make())))
        page = open_embeddings()
    ((name, content),) = made
    assert name == "embedding digits 4 digits_m gnl.csv"
    rows = list(csv.DictReader(io.StringIO(content)))
    assert len(rows) == 16 + 2 * 2 * 2 * 16
    shifted = [row for row in rows if (row["state"], row["domain"], row["label"]) == ("As it is", "digits_m", "0")]
    drawn = places(charts(page)[0])["shifted, normal"]
    assert np.allclose([[float(row[f"shift and anomaly, axis {axis}"]) for axis in (1, 2)] for row in shifted], drawn)


def test_images_are_placed_once_and_count_as_a_computation(open_embeddings, monkeypatch):
    monkeypatch.setenv("GNL_COMPUTATIONS_PER_MINUTE", "1")
    monkeypatch.setattr(rules, "COMPUTATIONS", rules.RateLimit(seconds=60))
    monkeypatch.setattr(people, "visitor", lambda *, signed_in: "ann")
    first = finding(open_embeddings())
    assert finding(open_embeddings()) == first
    page = open_embeddings(per_group=32)
    assert page.error[0].value.startswith("This embedding cannot be shown: more than 1 computations were started")


def test_too_many_images_are_refused_in_one_sentence(open_embeddings, monkeypatch):
    monkeypatch.setenv("GNL_IMAGES_PER_REQUEST", "100")
    (error,) = open_embeddings().error
    assert "these are 144 images, and this server computes at most 100 at once" in error.value


@pytest.mark.parametrize(
    ("detector", "kind", "states"),
    [
        ("patchcore", "the teacher's last stage", ["As it is", "FDM 1"]),
        ("deep_svdd", "the method's own encoder", ["As it is"]),
    ],
)
def test_a_method_without_a_bottleneck_has_a_map_too(open_embeddings, train, detector, kind, states):
    train(detector=detector, normal_class="7")
    page = open_embeddings(normal="7", methods={"patchcore": "PatchCore", "deep_svdd": "Deep SVDD"}[detector])
    assert not page.error
    assert list(distances(page)) == states
    assert any(kind in text for text in texts(page))


def test_without_labels_there_is_only_a_shift(open_embeddings, own_images, train):
    root = own_images(labelled=False)
    train(dataset="folder", normal_class="good", data_root=root, detector="rd4ad", holdout_percent=0)
    page = open_embeddings(data="Your own images", folder=str(root), methods=["RD4AD"])
    assert not page.error
    assert "the images to score lie" in finding(page)
    assert "Without labels, it is not known how much of this is anomaly" in finding(page)
    assert distances(page)["As it is"][1:] == ["–", "–", "–"]
    assert {tile["label"] for tile in tiles(page)} == {""}


def test_a_labelled_folder_of_ones_own_is_placed(open_embeddings, own_images, train):
    root = own_images(labelled=True)
    train(dataset="folder", normal_class="good", data_root=root, detector="rd4ad")
    page = open_embeddings(data="Your own images", folder=str(root), methods=["RD4AD"])
    assert not page.error
    assert len(tiles(page)) == 16
    assert np.isfinite([float(cell) for cell in distances(page)["As it is"][:3]]).all()


def test_without_a_checkpoint_the_page_says_what_to_do(open_embeddings):
    page = open_embeddings(normal="7")
    assert "GNL have no checkpoint with 7 as the normal class yet" in page.info[0].value
    assert not charts(page)


def test_too_few_training_images_are_one_sentence(open_embeddings, train):
    train(detector="rd4ad", normal_class="7", limit=2, holdout_percent=0)
    (error,) = open_embeddings(normal="7", methods=["RD4AD"]).error
    assert "a map of embeddings needs at least 3 training images" in error.value

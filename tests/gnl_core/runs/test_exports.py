from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import PIL.Image
import pytest

from gnl_core.plots.maps import colour_map
from gnl_core.records import Scores
from gnl_core.runs.exports import MapPictures, map_name, write_csv


def test_scores_are_written_with_one_row_per_image(tmp_path: Path):
    scores = Scores(
        score=np.array([0.5, 1.5]),
        label=np.array([0, 1]),
        domain=np.array(["digits", "digits"]),
        category=np.array(["4", "7"]),
        path=np.array(["digits/1", 'odd, "name"']),
    )
    write_csv(tmp_path / "new" / "scores.csv", scores)
    rows = pd.read_csv(tmp_path / "new" / "scores.csv")
    assert rows["score"].tolist() == [0.5, 1.5]
    assert rows["path"].tolist() == ["digits/1", 'odd, "name"']


def test_a_map_is_written_as_a_picture_into_a_new_folder(tmp_path: Path):
    values = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)
    pictures = MapPictures(upper=1.0)
    pictures.add("b/map.png", values)
    pictures.add("b/darker.png", values / 2)
    assert not (tmp_path / "a").exists()
    assert pictures.write(tmp_path / "a") == []
    for name, shown in (("map", values), ("darker", values / 2)):
        picture = PIL.Image.open(tmp_path / "a" / "b" / f"{name}.png")
        np.testing.assert_array_equal(np.asarray(picture), colour_map(shown, upper=1.0))


def test_a_map_that_cannot_be_written_is_reported_and_the_others_are_written(tmp_path: Path):
    pictures = MapPictures(upper=1.0)
    for name in ("a.png", "taken/b.png", "c.png"):
        pictures.add(name, np.zeros((2, 2), np.float32))
    (tmp_path / "taken").write_text("no folder")
    assert pictures.write(tmp_path) == [f"{tmp_path / 'taken' / 'b.png'}: File exists"]
    assert {file.name for file in tmp_path.iterdir()} == {"a.png", "c.png", "taken"}


def test_images_whose_names_differ_only_in_their_endings_have_separate_maps():
    names = [map_name(path, domain="test") for path in ("test/good/a.png", "test/good/a.jpg", "test/good/a")]
    assert names == ["test/good/a.png.png", "test/good/a.jpg.png", "test/good/a.png"]


def test_a_corrupted_image_and_the_image_itself_have_separate_maps():
    assert map_name("digits/0001", domain="digits+jpeg:3") == "jpeg-3/digits/0001.png"


@pytest.mark.parametrize("letter", ["a", "ü", "影"])
def test_a_name_that_the_ending_makes_too_long_is_cut_and_stays_unique(letter: str):
    stems = [(letter * 255).encode()[:254].decode(errors="ignore") + end for end in "xy"]
    names = [map_name(f"test/{stem}", domain="test") for stem in stems]
    assert len(set(names)) == 2
    assert names == [map_name(f"test/{stem}", domain="test") for stem in stems]
    for name in names:
        assert name.startswith(f"test/{letter}")
        assert name.endswith(".png")
        assert len(name.removeprefix("test/").encode()) <= 255


def test_the_longest_name_that_fits_is_kept():
    assert map_name("a" * 251, domain="test") == "a" * 251 + ".png"


def test_a_score_that_is_not_finite_is_an_empty_cell(tmp_path: Path):
    names = np.array(["a", "b", "c"])
    scores = Scores(np.array([np.nan, np.inf, 0.5]), np.array([0, 1, 1]), domain=names, category=names, path=names)
    write_csv(tmp_path / "scores.csv", scores)
    first, *lines = (tmp_path / "scores.csv").read_text().splitlines()
    assert first.split(",")[0] == "score"
    assert [line.split(",")[0] for line in lines] == ["", "", "0.5"]


def test_names_that_begin_like_formulas_are_texts_in_the_csv_and_negative_scores_stay_numbers(tmp_path):
    scores = Scores(np.array([-0.5]), np.array([0]), np.array(["@domain"]), np.array(["=1+1"]), np.array(["+1.png"]))
    write_csv(tmp_path / "scores.csv", scores)
    rows = pd.read_csv(tmp_path / "scores.csv")
    assert rows.to_dict("records") == [
        {"score": -0.5, "label": 0, "domain": "'@domain", "category": "'=1+1", "path": "'+1.png"}
    ]

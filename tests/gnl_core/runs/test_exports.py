from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import PIL.Image

from gnl_core.plots.maps import colour_map
from gnl_core.records import Scores
from gnl_core.runs.exports import write_csv, write_map


def test_scores_are_written_one_row_an_image(tmp_path: Path):
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


def test_a_map_is_written_as_a_picture_into_a_folder_that_is_made(tmp_path: Path):
    values = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)
    write_map(tmp_path / "a" / "b" / "map.png", values, upper=1.0)
    picture = PIL.Image.open(tmp_path / "a" / "b" / "map.png")
    np.testing.assert_array_equal(np.asarray(picture), colour_map(values, upper=1.0))

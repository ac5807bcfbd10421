from __future__ import annotations

import io
import json
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from gnl_core.comparison.data import comparison_csv, comparison_json
from gnl_core.comparison.grid import GridCell
from gnl_core.comparison.measure import compare_cells
from gnl_core.comparison.page import comparison_page
from gnl_core.comparison.text import markdown_page


def test_csv_has_one_row_per_number_for_the_mean_and_each_class(pacs_cells: list[GridCell]):
    rows = pd.read_csv(io.StringIO(comparison_csv(compare_cells(pacs_cells))))
    assert list(rows["normal_class"].unique()) == ["mean", "dog", "house"]
    keys = ["normal_class", "source", "detector", "style_weight", "column"]
    assert not rows.duplicated(keys).any()
    assert len(rows) == 3 * (4 + 2) * 7  # tables, rows measured and published, columns
    one = rows.query("normal_class == 'dog' and detector == 'gnl' and style_weight == 1 and column == 'sketch'").iloc[0]
    assert one["percent"] == pytest.approx(87.5)
    assert one["low"] < 87.5 < one["high"]
    assert (one["n_normal"], one["n_anomalous"], one["runs"], one["seeds"]) == (20, 20, 2, "0 1")
    assert (one["teacher"], one["image_size"]) == ("efficientnet_lite0", "64x64")


def test_published_rows_of_the_csv_have_none_of_our_values(pacs_cells: list[GridCell]):
    rows = pd.read_csv(io.StringIO(comparison_csv(compare_cells(pacs_cells))))
    published = rows[rows["source"] == "published"]
    ours = ["teacher", "image_size", "epochs", "seeds", "runs", "training_seconds", "low", "high", "sd_over_seeds"]
    assert published[ours].isna().all(axis=None)
    assert published["percent"].notna().all()


def test_no_table_holds_a_path_of_this_machine(pacs_cells: list[GridCell]):
    comparison = compare_cells(pacs_cells)
    paths = {"data_root": Path("/secret/data"), "teacher_weights": Path("/secret/weights.pth")}
    own = comparison._replace(config=comparison.config.model_copy(update=paths))
    for write in (comparison_csv, comparison_json, markdown_page, partial(comparison_page, figures={})):
        assert "secret" not in write(own)


def test_json_holds_settings_and_every_table(pacs_cells: list[GridCell]):
    comparison = compare_cells(pacs_cells)
    found = json.loads(comparison_json(comparison))
    assert (found["classes"], found["seeds"], found["in_distribution"]) == (["dog", "house"], [0, 1], "photo")
    assert found["settings"]["image_size"] == [64, 64]
    assert not {"detector", "normal_class", "seed", "style_weight"} & set(found["settings"])
    assert found["images"]["dog"]["sketch"] == {"n_normal": 20, "n_anomalous": 20}
    assert list(found["tables"]) == ["mean", "dog", "house"]
    (row,) = [row for row in found["tables"]["mean"] if (row["detector"], row["style_weight"]) == ("gnl", 1)]
    assert row["values"]["photo"]["percent"] == pytest.approx(85)
    assert row["values"]["photo"]["difference"] == pytest.approx(-5)
    assert row["values"]["ID cost"]["percent"] == pytest.approx(5)
    assert set(row["values"]) == set(comparison.columns)

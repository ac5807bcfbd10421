from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gnl_core.comparison.grid import Grid, plan_cells
from gnl_core.config import RunConfig
from gnl_core.detectors import find_method
from gnl_core.runs.folder import create_run

GRID = Grid(normal_classes=("4",), detectors=("rd4ad",), seeds=(0,), style_weights=(0.0, 1.0))


@pytest.fixture(scope="session")
def settings(tiny_config: Callable[..., RunConfig]) -> dict[str, object]:
    """Settings that all cells share."""
    return tiny_config().model_dump(exclude={"style_weight"})


def test_a_grid_has_a_cell_for_each_seed_class_and_method(settings: dict[str, object], tmp_path: Path):
    grid = Grid(("4", "8"), ("rd4ad", "gnl"), (0, 1), (0.0, 0.5, 1.0))
    cells = plan_cells(settings, grid, output=tmp_path)
    names = [cell.folder.path.name for cell in cells]
    assert names[:4] == ["digits-4-rd4ad-seed0", "digits-4-gnl-seed0", "digits-8-rd4ad-seed0", "digits-8-gnl-seed0"]
    assert len(set(names)) == 8
    assert [scoring.style_weight for scoring in cells[0].scorings] == [0, 0.5, 1]
    assert {cell.domains for cell in cells} == {("digits", "digits_m")}
    assert not list(tmp_path.iterdir())


def test_repeated_values_count_once(settings: dict[str, object], tmp_path: Path):
    once, twice = Grid(("4",), ("gnl",), (0,), (0.0, 1.0)), Grid(("4", "4"), ("gnl",) * 2, (0, 0), (0.0, 1.0, 0.0, 1.0))
    assert plan_cells(settings, twice, output=tmp_path) == plan_cells(settings, once, output=tmp_path)


def test_without_strengths_each_method_is_scored_at_its_own(settings: dict[str, object], tmp_path: Path):
    cells = plan_cells(settings, Grid(("4",), ("rd4ad", "gnl"), (0,)), output=tmp_path)
    assert [[scoring.style_weight for scoring in cell.scorings] for cell in cells] == [[0], [0.5]]


def test_a_method_without_references_is_not_matched_unless_that_is_requested(
    settings: dict[str, object], tmp_path: Path
):
    without, grid = {**settings, "stored_references": 0}, Grid(("4",), ("gnl",), (0,))
    for strengths, expected in (((), [0]), ((0.0, 1.0), [0, 1])):
        (cell,) = plan_cells(without, grid._replace(style_weights=strengths), output=tmp_path)
        assert [scoring.style_weight for scoring in cell.scorings] == expected


def test_a_method_without_matching_is_scored_once(
    settings: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(find_method("rd4ad"), "matches", False)
    (cell,) = plan_cells(settings, GRID, output=tmp_path)
    assert [scoring.style_weight for scoring in cell.scorings] == [0]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"detectors": ("oracle",)}, "unknown detector 'oracle'"),
        ({"normal_classes": ("ten",)}, "unknown class 'ten'"),
        ({"seeds": (-1,)}, "seed = -1"),
        ({"style_weights": (2.0,)}, "style_weight = 2.0"),
        ({"domains": ("night",)}, "unknown domain 'night'; choose one of: digits, digits_m, train, held_out"),
    ],
)
def test_a_wrong_grid_is_refused_before_anything_runs(
    changed: dict[str, tuple[object]], words: str, settings: dict[str, object], tmp_path: Path
):
    with pytest.raises(ValueError, match=words):
        plan_cells(settings, GRID._replace(**changed), output=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "value"), [("image_size", (48, 48)), ("epochs", 3), ("teacher", "resnet18")])
def test_a_folder_of_other_settings_is_refused_with_the_settings_name(
    settings: dict[str, object], tmp_path: Path, name: str, value: object
):
    (cell,) = plan_cells(settings, GRID, output=tmp_path)
    create_run(cell.folder.path, cell.config)
    with pytest.raises(ValueError, match=f"was trained with {name} = ") as refusal:
        plan_cells({**settings, name: value}, GRID, output=tmp_path)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(("name", "value"), [("reduction", "mean"), ("feature_cache_mb", 1), ("data_root", Path())])
def test_settings_that_change_no_weight_may_differ(
    settings: dict[str, object], tmp_path: Path, name: str, value: object
):
    (cell,) = plan_cells(settings, GRID, output=tmp_path)
    create_run(cell.folder.path, cell.config)
    assert plan_cells({**settings, name: value}, GRID, output=tmp_path)


def test_an_unset_learning_rate_equals_the_methods_own(settings: dict[str, object], tmp_path: Path):
    (cell,) = plan_cells(settings, GRID, output=tmp_path)
    create_run(cell.folder.path, cell.config)
    own = find_method("rd4ad").learning_rate
    plan_cells({**settings, "learning_rate": own}, GRID, output=tmp_path)
    with pytest.raises(ValueError, match=f"was trained with learning_rate = {own}, but 0.5 is requested"):
        plan_cells({**settings, "learning_rate": 0.5}, GRID, output=tmp_path)

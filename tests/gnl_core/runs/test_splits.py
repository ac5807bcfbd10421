"""A run stores its data set's split, and is not scored with another split."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from gnl_core.config import RunConfig
from gnl_core.runs.checkpoints import load_checkpoint
from gnl_core.runs.compatibility import differing_settings
from gnl_core.runs.folder import RunFolder, create_run, read_config, write_config
from gnl_core.runs.images import list_domain
from gnl_core.runs.scoring import load_domain, load_run
from gnl_core.runs.training import train_run

PHOTOS = 10


@pytest.fixture
def pacs(tmp_path: Path) -> Path:
    """Ten photos of dogs and of horses, and the lists: the last eight by name train, the first two test."""
    root = tmp_path / "data"
    lines = {"train": [], "crossval": []}
    for name in ("dog", "horse"):
        (root / "pacs" / "photo" / name).mkdir(parents=True)
        for number in range(PHOTOS):
            colour = np.full((32, 32, 3), 10 * number + (100 if name == "horse" else 0), np.uint8)
            PIL.Image.fromarray(colour).save(root / "pacs" / "photo" / name / f"{number}.jpg")
            lines["train" if number >= 2 else "crossval"].append(f"photo/{name}/{number}.jpg 1")
    (root / "pacs" / "pacs_label").mkdir()
    for part, named in lines.items():
        (root / "pacs" / "pacs_label" / f"photo_{part}_kfold.txt").write_text("\n".join(named))
    return root


@pytest.fixture
def run(pacs: Path, tmp_path: Path, tiny_config: Callable[..., RunConfig]) -> RunFolder:
    config = tiny_config(dataset="pacs", normal_class="dog", data_root=pacs, detector="rd4ad")
    folder = create_run(tmp_path / "run", config)
    list(train_run(config, folder))
    return folder


def hide_lists(pacs: Path) -> None:
    (pacs / "pacs" / "pacs_label").rename(pacs / "lists-elsewhere")


def test_a_run_keeps_the_split_in_its_settings_and_its_checkpoint(run: RunFolder):
    assert read_config(run).split_source == "official lists"
    assert load_checkpoint(run.weights, device="cpu")[1].split_source == "official lists"


def test_a_run_of_a_data_set_with_a_fixed_split_stores_none(trained_run: RunFolder):
    assert read_config(trained_run).split_source is None


def test_the_same_split_is_scored(run: RunFolder):
    assert len(load_domain(load_run(run, device="cpu"), "photo").items) == 4


@pytest.mark.parametrize("domain", ["photo", "train", "held_out", "photo+jpeg:3"])
def test_another_split_is_refused_if_training_images_would_be_scored(run: RunFolder, pacs: Path, domain: str):
    hide_lists(pacs)
    words = (
        r"splits training and test images by official lists, but the pacs images here are split by first 80 % by name"
    )
    with pytest.raises(ValueError, match=words):
        list_domain(read_config(run), domain)


def test_a_domain_without_a_split_is_scored_under_any_split(run: RunFolder, pacs: Path):
    hide_lists(pacs)
    (pacs / "pacs" / "sketch").mkdir()
    for name in ("dog", "horse"):
        (pacs / "pacs" / "photo" / name).rename(pacs / "pacs" / "sketch" / name)
    assert len(list_domain(read_config(run), "sketch")) == 2 * PHOTOS


def test_a_required_split_that_is_missing_is_refused_before_training(
    pacs: Path, tmp_path: Path, tiny_config: Callable[..., RunConfig]
):
    hide_lists(pacs)
    config = tiny_config(dataset="pacs", normal_class="dog", data_root=pacs, split_source="official lists")
    folder = create_run(tmp_path / "run", config)
    with pytest.raises(ValueError, match="are split by first 80 % by name"):
        list(train_run(config, folder))
    assert not folder.path.exists()


def test_an_older_run_without_a_stored_split_is_scored_with_a_warning(run: RunFolder):
    config = read_config(run).model_copy(update={"split_source": None})
    with pytest.warns(UserWarning, match=r"does not record how .* were split; they are now split by official lists"):
        assert len(list_domain(config, "photo")) == 4


def test_settings_from_before_splits_were_stored_can_be_read(run: RunFolder):
    written = read_config(run).model_dump_json(exclude={"split_source"})
    run.config.write_text(written)
    assert read_config(run).split_source is None


def test_a_split_that_only_one_of_two_runs_stores_is_not_a_difference(tiny_config: Callable[..., RunConfig]):
    settings = [tiny_config(split_source=split) for split in (None, "official lists", "first 80 % by name")]
    assert list(differing_settings(settings[0], settings[1])) == []
    assert list(differing_settings(settings[1], settings[0])) == []
    assert [name for name, _, _ in differing_settings(settings[1], settings[2])] == ["split_source"]


def test_an_unfinished_run_resumes_only_with_its_own_split(
    pacs: Path, tmp_path: Path, tiny_config: Callable[..., RunConfig]
):
    config = tiny_config(dataset="pacs", normal_class="dog", data_root=pacs, detector="rd4ad", epochs=2)
    folder = create_run(tmp_path / "run", config)
    next(train_run(config, folder))
    assert folder.state.exists()
    lists = pacs / "pacs" / "pacs_label"
    hide_lists(pacs)
    with pytest.raises(ValueError, match="are split by first 80 % by name"):
        next(train_run(read_config(folder), folder))
    (pacs / "lists-elsewhere").rename(lists)
    assert [record.epoch for record in train_run(read_config(folder), folder)] == [2]


def test_an_older_unfinished_run_resumes_with_a_warning(
    pacs: Path, tmp_path: Path, tiny_config: Callable[..., RunConfig]
):
    config = tiny_config(dataset="pacs", normal_class="dog", data_root=pacs, detector="rd4ad", epochs=2)
    folder = create_run(tmp_path / "run", config)
    next(train_run(config, folder))
    write_config(folder, config)
    with pytest.warns(UserWarning, match="are now split by official lists"):
        assert [record.epoch for record in train_run(config, folder)] == [2]
    assert read_config(folder).split_source == "official lists"

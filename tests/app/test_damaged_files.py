"""Pages show a damaged run's files as messages, without an exception, and keep the other runs."""

import json
import os
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from gnl_core.runs.folder import RunFolder

BUNDLED = Path(__file__).parents[2] / "assets" / "checkpoints" / "digits-4-gnl"


def drop_label(path):
    pq.write_table(pq.read_table(path).drop_columns(["label"]), path)


def write_text(path):
    path.write_text("[1, 2]\n")


def make_pipe(path):
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def make_folder(path):
    path.unlink(missing_ok=True)
    path.mkdir()


SPOILS = {
    "progress.jsonl": write_text,
    "status.json": write_text,
    "report.json": write_text,
    "adapted.json": write_text,
    "config.json": make_pipe,
    "scores.parquet": drop_label,
    ".lock": make_folder,
    "log.txt": make_pipe,
    "weights.safetensors": make_folder,
    "epochs/last/weights.safetensors": write_text,
}
NAMED_BY = {
    "explore": {"progress.jsonl", "report.json", "config.json", "scores.parquet", "weights.safetensors"},
    "train": {
        "progress.jsonl",
        "status.json",
        "config.json",
        "scores.parquet",
        ".lock",
        "log.txt",
        "weights.safetensors",
    },
}


@pytest.fixture
def sevens(own_runs) -> RunFolder:
    """The bundled run of GNL as the only run on sevens, kept in both pages' lists."""
    folder = RunFolder(Path(shutil.copytree(BUNDLED, own_runs / "sevens")))
    settings = json.loads(folder.config.read_text())
    folder.config.write_text(json.dumps(settings | {"normal_class": "7"}))
    return folder


@pytest.mark.parametrize("name", SPOILS)
@pytest.mark.parametrize("screen", NAMED_BY)
def test_a_damaged_file_is_a_message_on_a_page_that_stays(sevens, open_screen, screen, name):
    (sevens.path / name).parent.mkdir(parents=True, exist_ok=True)
    SPOILS[name](sevens.path / name)
    page = open_screen(screen, normal="7", methods=["GNL"])
    assert not page.exception
    messages = [element.value for element in (*page.error, *page.warning, *page.code)]
    assert any(name in message for message in messages) == (name in NAMED_BY[screen]), messages


@pytest.mark.parametrize("name", ["scores.parquet", "weights.safetensors"])
@pytest.mark.parametrize("screen", ["inspect", "shift_lab"])
def test_a_method_whose_files_are_damaged_is_named_on_pages_of_single_images(sevens, open_screen, screen, name):
    os.truncate(sevens.path / name, 5000)
    page = open_screen(screen, normal="7", methods=["GNL"])
    assert not page.exception
    assert len([message for message in page.error if name in message.value]) == 1


@pytest.mark.parametrize("screen", ["explore", "embeddings"])
def test_a_damaged_report_costs_only_the_shift_score(sevens, open_screen, screen):
    write_text(sevens.report)
    page = open_screen(screen, normal="7", methods=["GNL"])
    assert not page.exception
    (message,) = page.error
    assert message.value.startswith("The shift score cannot be shown: ")
    assert "report.json" in message.value

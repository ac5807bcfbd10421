from __future__ import annotations

from pathlib import Path

import pytest

from gnl_core.cli import main
from gnl_core.datasets.base import Item
from gnl_core.datasets.parts.line import LENGTH, list_shots, read_shot
from gnl_core.runs.following import list_line

FIRST, LAST = list_shots()[0], list_shots()[-1]


@pytest.fixture
def two_shots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the first and the last photograph, since rendering all takes seconds."""
    monkeypatch.setattr("gnl_core.cli.data_build_line.list_shots", lambda: [FIRST, LAST])


def build(output: Path) -> int:
    return main(["data", "build-line", "--output", str(output)])


@pytest.mark.usefixtures("two_shots")
def test_the_files_are_the_photographs_in_order_of_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert build(tmp_path / "new" / "line") == 0
    items: list[Item] = list_line(tmp_path / "new" / "line", order="name")[0]
    assert [item.path for item in items] == ["001-good.png", f"{LENGTH}-scratch-worn-100-percent.png"]
    for item, shot in zip(items, (FIRST, LAST), strict=True):
        assert (item.read() == read_shot(shot)).all()
    assert "2 images in order of time" in capsys.readouterr().err


@pytest.mark.usefixtures("two_shots")
def test_a_folder_that_holds_files_is_refused_and_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "notes.txt").write_text("mine")
    assert build(tmp_path) == 2
    assert "holds files, such as 'notes.txt'; choose a new or an empty folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]

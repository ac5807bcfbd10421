from __future__ import annotations

from pathlib import Path

from gnl_core.runs.deletion import remove_run
from gnl_core.runs.folder import RunFolder

FILES = [name for name, kept in vars(RunFolder).items() if isinstance(kept, property) and name != "epochs"]


def test_every_file_of_a_run_is_removed_with_it(tmp_path: Path):
    folder = RunFolder(tmp_path / "run")
    folder.epoch(1).path.mkdir(parents=True)
    for name in FILES:
        getattr(folder, name).write_bytes(b"content")
    assert folder.tray_scores.exists()
    remove_run(folder)
    assert [file for file in folder.path.iterdir() if file != folder.lock] == []  # it is held until the end

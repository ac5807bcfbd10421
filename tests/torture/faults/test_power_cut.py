"""A power cut between any two steps of a write: the order of the steps, and what a reader finds after each."""

from __future__ import annotations

import shutil
from pathlib import Path

from gnl_core.cli import main
from gnl_core.files.writing import create_atomically, write_atomically
from gnl_core.jobs.listing import list_jobs
from gnl_core.runs.folder import RunFolder, is_trained, read_config
from tests.torture.faults.conftest import TRAIN, Tally
from tests.torture.faults.disk import Disk
from tests.torture.faults.test_full_disk import spread, without_temporary
from tests.torture.faults.whole import check_file, read_files

ORDER = ["open", "write", "flush", "fsync", "chmod"]  # then the name, and that on disk


def names_of(disk: Disk) -> list[str]:
    return [step.split()[0] for step in disk.steps]


def test_content_is_on_disk_before_its_name_and_the_name_before_a_write_ends(tmp_path: Path):
    for write, naming in ((write_atomically, ["replace", "fsync"]), (create_atomically, ["link", "fsync"])):
        disk = Disk(tmp_path)
        with disk.watched():
            write(tmp_path / write.__name__, b"content")
        assert names_of(disk) == [*ORDER, *naming, "unlink"]


def test_a_cut_at_any_step_of_a_write_leaves_the_old_or_the_new_file(tmp_path: Path, tally: Tally):
    place, seen = tmp_path / "place", []
    place.mkdir()
    write_atomically(place / "file", b"old content")
    disk = Disk(place)
    disk.step = lambda name, path="": seen.append((name, without_temporary(read_files(place))))  # type: ignore[method-assign]
    with disk.watched():
        write_atomically(place / "file", b"new content")
    contents = [files["file"] for _, files in seen]
    renamed = [name for name, _ in seen].index("replace") + 1
    assert contents == [b"old content"] * renamed + [b"new content"] * (len(contents) - renamed)
    tally.report("power cut, one file", injected=len(seen))


def test_after_a_cut_at_any_step_of_a_training_it_resumes_to_the_same_weights(tmp_path: Path, tally: Tally):
    place, run = tmp_path / "place", tmp_path / "place" / "run"
    place.mkdir()
    copies: list[Path] = []

    class Copying(Disk):
        def step(self, name: str, path: object = "") -> None:
            super().step(name, path)
            if name in ("replace", "fsync", "unlink", "link"):
                copies.append(Path(shutil.copytree(place, tmp_path / "copies" / f"{len(copies)}")))

    with Copying(place).watched():
        assert main(["train", "--run", str(run), *TRAIN, "--save-minutes=0.000001"]) == 0
    expected = (run / "weights.safetensors").read_bytes()
    chosen = spread(len(copies), tally.choose(short=3, full=16))
    for number in chosen:
        resume_copy(RunFolder(copies[number] / "run"), expected)
    for copy in copies:
        for name, content in without_temporary(read_files(copy)).items():
            check_file(name, content)
    tally.report("power cut, gnl train", injected=len(copies), resumed=len(chosen))


def resume_copy(run: RunFolder, expected: bytes) -> None:
    """Resume the training of a folder that was copied in the middle of a write."""
    if run.config.exists() and not is_trained(run, read_config(run)):
        assert [job.state for job in list_jobs(run.path.parent)] == ["stale"], run
        assert main(["train", "--run", str(run.path), "--resume"]) == 0, run
    if run.config.exists():
        assert run.weights.read_bytes() == expected, run
        assert [job.state for job in list_jobs(run.path.parent)] == ["finished"], run

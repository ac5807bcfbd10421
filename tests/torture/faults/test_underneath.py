"""The folder of a run is deleted, renamed or made read-only while it is trained, scored or shown."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit import config as streamlit_config
from streamlit.testing.v1 import AppTest

from gnl_core.cli import main, score
from gnl_core.config import RunConfig
from gnl_core.jobs.listing import VANISHED, list_jobs, read_job
from gnl_core.jobs.worker import train_as_job
from gnl_core.runs.folder import RunFolder, create_run
from tests.torture.faults.conftest import Tally
from tests.torture.faults.disk import Disk
from tests.torture.faults.whole import check_file, read_files

STEPS = 4  # two epochs of two batches


def delete(folder: RunFolder, _: Disk) -> None:
    shutil.rmtree(folder.path)


def rename(folder: RunFolder, _: Disk) -> None:
    folder.path.rename(folder.path.with_name("renamed"))


def make_read_only(_: RunFolder, disk: Disk) -> None:
    disk.lasting, disk.error, disk.at = True, errno.EROFS, len(disk.steps)


CHANGES = {"deleted": delete, "renamed": rename, "read-only": make_read_only}


@pytest.mark.parametrize("after", range(1, STEPS))
@pytest.mark.parametrize("change", CHANGES)
def test_a_training_ends_with_a_sentence_and_what_it_saved_is_whole(
    change: str,
    after: int,
    tmp_path: Path,
    tiny_config: Callable[..., RunConfig],
    tally: Tally,
):
    config = tiny_config(detector="deep_svdd", epochs=2, limit=12, save_minutes=1e-6)
    folder, disk = create_run(tmp_path / "runs" / "run", config), Disk(tmp_path)
    with disk.watched(), pytest.raises(ValueError, match="cannot write the run") as raised:
        for number, _ in enumerate(train_as_job(config, folder), start=1):
            if number == after:
                CHANGES[change](folder, disk)
    assert "\n" not in str(raised.value)
    left = {"deleted": [], "renamed": ["renamed"], "read-only": ["run"]}[change]
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == left  # nothing is created again
    for name, content in read_files(tmp_path / "runs").items():
        check_file(name, content)
    for job in list_jobs(tmp_path / "runs"):
        assert (job.state, job.reason) == ("stale", VANISHED)
        assert main(["train", "--run", str(job.folder.path), "--resume"]) == 0
        assert read_job(job.folder).state == "finished"
    tally.report(f"{change} in training, after step {after}", injected=1)


@pytest.mark.parametrize("after", ["load_run", "score_batches", "report_run"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_scoring_ends_with_a_sentence_and_changes_nothing(
    change: str,
    after: str,
    copied: RunFolder,
    capsys: pytest.CaptureFixture[str],
    tally: Tally,
):
    before, disk, real = read_files(copied.path), Disk(copied.path.parent), getattr(score, after)

    def call(*arguments: object, **given: object) -> object:
        result = real(*arguments, **given)
        CHANGES[change](copied, disk)
        return result

    with pytest.MonkeyPatch.context() as patch, disk.watched():
        patch.setattr(score, after, call)
        assert main(["score", str(copied.path), "--domain", "digits"]) == 2
    message = capsys.readouterr().err.splitlines()[-1]
    assert message.startswith("gnl: ")
    assert str(copied.path) in message
    found = [read_files(path) for path in copied.path.parent.iterdir()]
    assert found == ([] if change == "deleted" else [before])
    tally.report(f"{change} in scoring, after {after}", injected=1)


@pytest.mark.parametrize("screen", ["train", "explore"])
def test_a_page_goes_on_when_the_run_that_it_shows_is_deleted_or_renamed(
    screen: str,
    copied: RunFolder,
    monkeypatch: pytest.MonkeyPatch,
    tally: Tally,
):
    if screen == "explore" and not tally.choose(short=0, full=1):
        pytest.skip("only in the full form: it scores a run")
    monkeypatch.setenv("GNL_RUNS", str(copied.path.parent))
    monkeypatch.delenv("GNL_DATA", raising=False)
    streamlit_config.set_option("client.showErrorDetails", "full")  # else an exception would show as nothing
    page = AppTest.from_string(f"from app.screens.{screen}.page import page\n\npage()\n", default_timeout=120)
    page.query_params["methods"] = ["Deep SVDD"]
    assert not page.run().exception
    copied.path.rename(copied.path.with_name("renamed"))
    assert not page.run().exception
    shutil.rmtree(copied.path.with_name("renamed"))
    assert not page.run().exception
    texts = [element.value for kind in ("markdown", "caption", "error") for element in page.get(kind)]
    assert not any("renamed" in str(text) for text in texts)
    tally.report(f"deleted and renamed under the page {screen}", injected=2)

"""The disk is full, fails or becomes read-only at each single write of each command that writes."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import PIL.Image
import pytest

import gnl_core
from gnl_core.cli import main
from gnl_core.jobs.listing import list_jobs
from gnl_core.runs.folder import RunFolder, is_trained, read_config
from tests.torture.faults.conftest import TRAIN, Tally
from tests.torture.faults.disk import Disk
from tests.torture.faults.whole import check_files, compare_results, is_temporary, read_files

LONGEST_SENTENCE = 400
NAMES = ("train", "score", "adapt", "follow", "export", "import", "build", "compare")
QUICK = ("train", "import", "build")
ENDS = ("finished", "failed", "stopped", "stale")
WRITES = re.compile(
    r"write_text|write_bytes|to_csv\([^i]|to_parquet|savefig\(.*path|save_file\(|open\([^)]*[\"'][wax]b?[\"']"
)
ALLOWED = [
    'gnl_core/files/writing.py: with os.fdopen(descriptor, "wb") as stream:',
    'gnl_core/jobs/start.py: with folder.log.open("ab") as log:',  # a log is appended to by its process
]
KINDS = (errno.EIO, errno.EDQUOT, errno.EROFS, errno.EMFILE)


class Command(NamedTuple):
    """A command of gnl, in a folder of its own."""

    prepare: Callable[[Path], object]
    arguments: Callable[[Path], list[str]]


def train(root: Path) -> list[str]:
    run = root / "runs" / "run"
    if (run / "config.json").exists():
        return ["train", "--run", str(run), "--resume"]
    return ["train", "--run", str(run), *TRAIN, "--save-minutes=0.000001", "--keep-epochs"]


def score(root: Path) -> list[str]:
    places = ["--csv", str(root / "csv" / "a.csv"), "--maps", str(root / "maps")]
    return ["score", str(root / "runs" / "run"), "--domain", "digits", *places]


def compare(root: Path) -> list[str]:
    return ["compare", "--normal-class=4", *TRAIN, "--domain", "digits", "--output", str(root / "runs")]


@pytest.fixture
def commands(trained_run: RunFolder, small_run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> dict[str, Command]:
    """Each command that writes; the graph of an export is a stand-in, since only its file matters here."""
    monkeypatch.setattr("gnl_core.runs.exports.export_onnx", lambda *_, **__: b"graph")
    monkeypatch.setattr(
        "gnl_core.cli.data_build.mnist_arrays", lambda *_: (np.full((4, 28, 28), 255, np.uint8), list("0123"))
    )

    def gnl(root: Path) -> None:
        shutil.copytree(trained_run.path, root / "runs" / "run")

    def photographs(root: Path) -> None:
        (root / "photographs").mkdir()
        (root / "data").mkdir()
        PIL.Image.new("RGB", (64, 64), "teal").save(root / "photographs" / "a.png")

    def images(root: Path) -> None:
        gnl(root)
        (root.parent / "line").mkdir(exist_ok=True)
        for index in range(6):
            pixels = np.random.default_rng(index).integers(0, 255, (32, 32, 3)).astype(np.uint8)
            PIL.Image.fromarray(pixels).save(root.parent / "line" / f"{index}.png")

    run = "runs/run"
    return {
        "train": Command(lambda root: None, train),
        "score": Command(gnl, score),
        "adapt": Command(
            images,
            lambda root: ["adapt", str(root / run), *line(root), "--way=none", "--output", str(root / "a.safetensors")],
        ),
        "follow": Command(images, lambda root: ["follow", str(root / run), *line(root), *plot(root)]),
        "export": Command(gnl, lambda root: ["export", str(root / run), "--onnx", str(root / "onnx" / "a.onnx")]),
        "import": Command(
            lambda root: (root / "runs").mkdir(),
            lambda root: ["import", str(small_run.weights), "--run", str(root / run)],
        ),
        "build": Command(
            photographs,
            lambda root: ["data", "build-mnist-m", "--photos", str(root / "photographs"), *data(root)],
        ),
        "compare": Command(lambda root: None, compare),
    }


def line(root: Path) -> list[str]:
    return ["--images", str(root.parent / "line")]


def plot(root: Path) -> list[str]:
    places = ["--csv", str(root / "out" / "a.csv"), "--plot", str(root / "out" / "a.png")]
    return [*places, "--window", "4", "--minimum", "2"]


def data(root: Path) -> list[str]:
    return ["--data-root", str(root / "data")]


class Tried(NamedTuple):
    """A command without a fault.

    Attributes:
        steps: What it changed on the disk, step by step.
        before: The files before.
        moments: The files after each step in which a file was put in place; the last are those at the end.
    """

    steps: list[str]
    before: dict[str, bytes]
    moments: list[dict[str, bytes]]


def try_whole(command: Command, root: Path) -> Tried:
    """Run a command without a fault, and note all files that it has at any moment."""
    root.mkdir()
    command.prepare(root)
    before, moments = read_files(root), []

    class Noting(Disk):
        def step(self, name: str, path: object = "") -> None:
            if name == "fsync":
                moments.append(read_files(self_root))
            super().step(name, path)

    self_root = root
    disk = Noting(root)
    with disk.watched():
        assert main(command.arguments(root)) == 0
    return Tried(disk.steps, before, [*moments, read_files(root)])


def try_fault(command: Command, root: Path, tried: Tried, disk: Disk, capsys: pytest.CaptureFixture[str]) -> None:
    """Run a command with a fault, check what it left and what it says, and run it again without the fault."""
    step = tried.steps[disk.at or 0]
    shutil.rmtree(root)
    root.mkdir()
    command.prepare(root)
    capsys.readouterr()
    with disk.watched():
        code = main(command.arguments(root))
    fault = f"{disk.error} at step {disk.at} of {command.arguments(root)[0]}: {step}, code {code}"
    check_words(capsys.readouterr().err, code, fault)
    found = read_files(root)
    if step.startswith("unlink"):  # a temporary file that cannot be removed stays
        found = without_temporary(found)
    check_files(found, before=tried.before, after=tried.moments, fault=fault)
    check_states(root / "runs", fault, may_have_ended=True)
    if code == 2:
        assert main(command.arguments(root)) == 0, (fault, capsys.readouterr().err)
    check_states(root / "runs", fault, may_have_ended=False)
    compare_results(without_temporary(read_files(root)), without_temporary(tried.moments[-1]), fault=fault)


def check_words(text: str, code: int, fault: str) -> None:
    """Check the exit code and that an error is one sentence, the last thing that is printed."""
    assert code in (0, 2), fault
    lines = [line for line in text.replace("\r", "\n").splitlines() if line.strip()]
    assert "Traceback" not in text, (fault, text)
    if code == 2:
        assert lines[-1].startswith("gnl: "), (fault, text)
        assert len(lines[-1]) <= LONGEST_SENTENCE, (fault, text)


def check_states(runs: Path, fault: str, *, may_have_ended: bool) -> None:
    """Check that no run counts as alive, and that those that count as finished are."""
    for job in list_jobs(runs):
        is_finished = is_trained(job.folder, read_config(job.folder)) or job.folder.origin.exists()
        assert job.state in ENDS, (fault, job.state)
        assert (job.state == "finished") == is_finished, (fault, job)
        assert is_finished or may_have_ended, (fault, job)


def without_temporary(files: dict[str, bytes]) -> dict[str, bytes]:
    """Return the files that are no temporary ones."""
    return {name: content for name, content in files.items() if not is_temporary(name)}


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", NAMES)
def test_a_disk_that_is_full_at_any_write_of_a_command_costs_nothing(
    name: str,
    commands: dict[str, Command],
    tmp_path: Path,
    tally: Tally,
    capsys: pytest.CaptureFixture[str],
):
    most = tally.choose(short=3 if name in QUICK else 0, full=10_000)
    if not most:
        pytest.skip("only in the full form")
    tried = try_whole(commands[name], tmp_path / "whole")
    chosen = spread(len(tried.steps), most)
    shutil.copytree(tmp_path / "whole", tmp_path / "place")
    for at in chosen:
        try_fault(commands[name], tmp_path / "place", tried, Disk(tmp_path / "place", at=at, lasting=True), capsys)
    tally.report(f"full disk, gnl {name}", points=len(tried.steps), injected=len(chosen))


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kind", KINDS, ids=errno.errorcode.get)
def test_other_failures_of_a_write_cost_nothing(
    kind: int,
    commands: dict[str, Command],
    tmp_path: Path,
    tally: Tally,
    capsys: pytest.CaptureFixture[str],
):
    most = tally.choose(short=1, full=12)
    tried = try_whole(commands["import"], tmp_path / "whole")
    (tmp_path / "place").mkdir()
    for at in spread(len(tried.steps), most):
        disk = Disk(tmp_path / "place", at=at, error=kind, lasting=kind == errno.EROFS)
        try_fault(commands["import"], tmp_path / "place", tried, disk, capsys)
    tally.report(f"{errno.errorcode[kind]}", injected=min(most, len(tried.steps)))


def spread(count: int, most: int) -> list[int]:
    """Choose at most a number of steps, evenly spread."""
    return sorted({number * count // most for number in range(most)}) if most < count else list(range(count))


def test_all_of_the_core_and_the_app_write_through_one_function():
    project = Path(gnl_core.__file__).parents[1]
    found = []
    for file in [*project.glob("gnl_core/**/*.py"), *project.glob("app/**/*.py")]:
        lines = [line.strip() for line in file.read_text().splitlines() if WRITES.search(line)]
        found += [f"{file.relative_to(project)}: {line}" for line in lines]
    assert sorted(found) == sorted(ALLOWED), found

"""Damaged and special files in a run folder: one sentence each, and the other runs are listed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors import safe_open
from safetensors.torch import save_file

from gnl_core.cli import main
from gnl_core.config import RunConfig
from gnl_core.detectors import complete_config
from gnl_core.files import TEXT_BYTES, UnreadableFileError, hash_file, open_file, read_end
from gnl_core.runs.adapted_scores import read_adapted
from gnl_core.runs.discovery import kept_epochs
from gnl_core.runs.folder import RunFolder, create_run, read_config, read_records
from gnl_core.runs.line_scores import read_line
from gnl_core.runs.reports import read_shift_scores
from gnl_core.runs.scores import count_diverged_scores, read_saved_scores
from gnl_core.runs.scoring import load_run
from gnl_core.runs.state import restore_state
from gnl_core.runs.training import advance_run, prepare_training
from gnl_core.training import Training, begin

BUNDLED = Path(__file__).parents[3] / "assets" / "checkpoints" / "digits-4-gnl"
DEEP = "[" * 10_000 + "]" * 10_000
LINE: dict[str, Any] = {"epoch": 1, "losses": {"a": 0.5}, "elapsed_seconds": 1.0}
Check = Callable[..., str]
Spoil = Callable[[Path], object]


@pytest.fixture
def bundled(tmp_path: Path) -> RunFolder:
    """A copy of a bundled run, in a folder with another one."""
    shutil.copytree(BUNDLED, tmp_path / "runs" / "good")
    return RunFolder(Path(shutil.copytree(BUNDLED, tmp_path / "runs" / "damaged")))


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory, tiny_config: Callable[..., RunConfig]) -> RunFolder:
    """A run that was stopped in its second epoch; tests copy it."""
    config = complete_config(tiny_config(epochs=3))
    folder = create_run(tmp_path_factory.mktemp("runs") / "interrupted", config)
    seen = iter(range(9))
    list(advance_run(config, folder, stop=lambda: next(seen) == 3))
    return folder


@pytest.fixture
def unfinished(interrupted: RunFolder, tmp_path: Path) -> RunFolder:
    return RunFolder(Path(shutil.copytree(interrupted.path, tmp_path / "run")))


@pytest.fixture(scope="module")
def training(interrupted: RunFolder) -> Training:
    """The interrupted training, begun again; a refused state changes none of what its check reads."""
    config = read_config(interrupted)
    detector, batches = prepare_training(config)
    return begin(detector, batches, epochs=config.epochs, learning_rate=config.learning_rate)


@pytest.fixture
def check_sentence(capsys: pytest.CaptureFixture[str]) -> Check:
    """A function that runs a command, which has to end with code 2 and one sentence, and returns its table."""

    def check(*command: object, naming: str) -> str:
        capsys.readouterr()
        assert main([str(word) for word in command]) == 2
        said = capsys.readouterr()
        last = said.err.strip().splitlines()[-1]
        assert last.startswith("gnl: ")
        assert naming in last
        assert len(last) <= 400 + len(os.fspath(Path(naming).parent))
        assert "Traceback" not in said.err
        return said.out

    return check


def put(path: Path, content: str | bytes) -> None:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def make_pipe(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def make_folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def link_to_zeros(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to("/dev/zero")


def link_to_pipe(path: Path) -> None:
    os.mkfifo(path.with_suffix(".pipe"))
    path.unlink(missing_ok=True)
    path.symlink_to(path.with_suffix(".pipe"))


SPECIAL = (make_pipe, make_folder, link_to_zeros, link_to_pipe)

PROGRESS = {
    **{f"epoch {value!r:.20}": json.dumps(LINE | {"epoch": value}) for value in ("1", [1], None, -1, True, 10**9, 1.5)},
    **{f"losses {value!r}": json.dumps(LINE | {"losses": value}) for value in ("a", [1], None, {"a": "b"}, {"a": [1]})},
    "seconds": json.dumps(LINE | {"elapsed_seconds": "1"}),
    "infinite seconds": json.dumps(LINE).replace("1.0", "1e999"),
    "misspelt key": json.dumps(LINE).replace("epoch", "epohc"),
    "a list": "[1, 2]",
    "no JSON": "epoch 1",
    "nested": DEEP,
    "ten thousand losses": json.dumps(LINE | {"losses": {f"loss {number}": 1.0 for number in range(10_000)}}),
    "no UTF-8": b"\xff\xfe{}",
}


def test_a_run_whose_checkpoint_cannot_be_read_is_not_listed_as_finished(bundled: RunFolder, check_sentence: Check):
    bundled.weights.write_bytes(bundled.weights.read_bytes()[:1000])
    table = check_sentence("runs", bundled.path.parent, naming=str(bundled.weights))
    assert "good" in table
    assert "damaged" not in table


@pytest.mark.parametrize("content", PROGRESS.values(), ids=PROGRESS)
def test_damaged_progress_is_named_beside_the_other_runs(
    bundled: RunFolder, check_sentence: Check, content: str | bytes
):
    put(bundled.progress, content.encode() + b"\n" if isinstance(content, str) else content + b"\n")
    table = check_sentence("runs", bundled.path.parent, naming=str(bundled.progress))
    assert "good" in table
    assert "damaged" not in table


def test_progress_of_a_million_lines_is_refused(bundled: RunFolder):
    put(bundled.progress, "\n" * 1_000_000)
    with pytest.raises(UnreadableFileError, match="has more than 100,000 lines"):
        read_records(bundled)


@pytest.mark.parametrize("name", ["config.json", "progress.jsonl", "status.json", "scores.parquet"])
@pytest.mark.parametrize("content", ["", "x", DEEP, b"\xff"], ids=["empty", "text", "nested", "no UTF-8"])
def test_a_damaged_record_is_named_in_one_sentence(
    bundled: RunFolder, check_sentence: Check, name: str, content: str | bytes
):
    if name == "progress.jsonl":
        content = (content.encode() if isinstance(content, str) else content) + b"\n"
    put(bundled.path / name, content)
    assert "good" in check_sentence("runs", bundled.path.parent, naming=str(bundled.path / name))


@pytest.mark.parametrize("spoil", SPECIAL)
@pytest.mark.parametrize("name", ["config.json", "progress.jsonl", "status.json", ".lock", "scores.parquet"])
def test_a_special_file_neither_hangs_nor_fills_memory(
    bundled: RunFolder, check_sentence: Check, name: str, spoil: Spoil
):
    spoil(bundled.path / name)
    assert "good" in check_sentence("runs", bundled.path.parent, naming=str(bundled.path / name))


@pytest.mark.parametrize("spoil", SPECIAL)
def test_a_special_file_in_place_of_weights_or_log_is_refused(bundled: RunFolder, check_sentence: Check, spoil: Spoil):
    spoil(bundled.weights)
    check_sentence("score", bundled.path, naming=str(bundled.weights))
    with pytest.raises(UnreadableFileError, match="where a file is expected"):
        hash_file(bundled.weights)
    spoil(bundled.log)
    check_sentence("runs", "--log", bundled.path, naming=str(bundled.log))


def test_a_file_that_is_larger_than_its_kind_is_refused_unread(bundled: RunFolder):
    with bundled.progress.open("wb") as stream:
        stream.truncate(TEXT_BYTES + 1)
    with pytest.raises(UnreadableFileError, match=r"has 33,554,433 bytes, but such a file has at most 33,554,432"):
        read_records(bundled)


def test_only_the_end_of_a_log_is_read(tmp_path: Path):
    with (tmp_path / "log.txt").open("wb") as stream:
        stream.truncate(2**40)
        stream.seek(2**40)
        stream.write(b"the end")
    assert read_end(tmp_path / "log.txt", most_bytes=7) == b"the end"


def test_a_broken_link_is_a_missing_file(tmp_path: Path):
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(FileNotFoundError):
        open_file(tmp_path / "link", limit_bytes=1)


def test_folders_of_epochs_that_are_no_numbers_are_ignored(tmp_path: Path):
    folder = RunFolder(tmp_path)
    for name in ("001", "012", "12", "abc", "-01", "١٢٣", "1234", "0001"):
        (folder.epochs / name).mkdir(parents=True)
        (folder.epochs / name / "weights.safetensors").touch()
    assert kept_epochs(folder) == [1, 12, 1234]


def replace_column(path: Path, name: str, value: object) -> None:
    table = pq.read_table(path)
    position = table.column_names.index(name)
    pq.write_table(table.set_column(position, name, pa.array([value] * len(table))), path)


def replace_with(path: Path, name: str, make: Callable[[int], pa.Array]) -> None:
    table = pq.read_table(path)
    pq.write_table(table.set_column(table.column_names.index(name), name, make(len(table))), path)


def not_utf8(count: int) -> pa.Array:
    return pa.Array.from_buffers(pa.string(), count, pa.array([b"\xff"] * count).buffers())


def double_column(path: Path, name: str) -> None:
    table = pq.read_table(path)
    pq.write_table(table.append_column(name, table[name]), path)


def drop_column(path: Path, name: str) -> None:
    pq.write_table(pq.read_table(path).drop_columns([name]), path)


SCORES: dict[str, Spoil] = {
    **{
        f"without {name}": lambda path, name=name: drop_column(path, name)
        for name in ("score", "label", "domain", "category", "path", "checkpoint")
    },
    **{
        f"{name} as {value!r}": lambda path, name=name, value=value: replace_column(path, name, value)
        for name, value in [
            ("score", "1"),
            ("label", 0.5),
            ("domain", 1),
            ("path", b"a"),
            ("checkpoint", [1]),
            ("style_weight", [0.5]),
            ("label", None),
        ]
    },
    **{f"two columns {name}": lambda path, name=name: double_column(path, name) for name in ("score", "style_weight")},
    **{
        f"setting {name} as {value!r}": lambda path, name=name, value=value: replace_column(path, name, value)
        for name, value in [("style_weight", True), ("align_corners", 1.5), ("reference_count", 2.0), ("reduction", 1)]
    },
    "text that is not UTF-8": lambda path: replace_with(path, "path", not_utf8),
    "labels beyond 1": lambda path: replace_column(path, "label", 2),
    "no Parquet": lambda path: put(path, "PAR1"),
    "truncated": lambda path: put(path, path.read_bytes()[:-100]),
}


IN_OTHER_CELLS = ("text that is not UTF-8", "labels beyond 1")  # than those of scores, which a list of runs reads


@pytest.mark.parametrize("name", SCORES)
def test_damaged_scores_are_refused_in_one_sentence(bundled: RunFolder, name: str):
    SCORES[name](bundled.scores)
    for read in (read_saved_scores, *(() if name in IN_OTHER_CELLS else (count_diverged_scores,))):
        with pytest.raises(
            UnreadableFileError, match=r"scores\.parquet is damaged.*; remove it, and score the run again"
        ):
            read(bundled)


def test_whole_scores_and_columns_of_other_programs_are_read(bundled: RunFolder):
    before = read_saved_scores(bundled)
    replace_column(bundled.scores, "score", 1)
    table = pq.read_table(bundled.scores)
    pq.write_table(table.append_column("nested", pa.array([[[1]]] * len(table))), bundled.scores)
    after = read_saved_scores(bundled)
    assert after.keys() == before.keys()
    assert set(after["score"]) == {1.0}


def test_scores_of_more_rows_than_any_are_refused_unread(bundled: RunFolder, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gnl_core.runs.score_columns.MOST_ROWS", 100)
    with pytest.raises(UnreadableFileError, match="more than 100; remove it"):
        read_saved_scores(bundled)


@pytest.mark.parametrize("spoil", SPECIAL)
def test_special_files_in_place_of_report_and_kept_scores_are_refused(bundled: RunFolder, spoil: Spoil):
    spoil(bundled.report)
    spoil(bundled.adapted)
    spoil(bundled.line)
    for read in (read_shift_scores, read_adapted, lambda folder: read_line(folder, read_config(folder), "")):
        with pytest.raises(UnreadableFileError, match="where a file is expected"):
            read(bundled)


@pytest.mark.parametrize("content", ["", "[]", "{}", DEEP, '{"checkpoint": 1, "domains": {}, "entries": []}'])
def test_a_damaged_report_or_adapted_scores_are_refused_in_one_sentence(bundled: RunFolder, content: str):
    put(bundled.report, content)
    put(bundled.adapted, content)
    for read in (read_shift_scores, read_adapted):
        with pytest.raises(UnreadableFileError, match=r"cannot be read: .*; remove it"):
            read(bundled)


@pytest.mark.parametrize(
    "change", [{"score": [1.0]}, {"score": ["a"]}, {"ways": 3}, {"threshold": None}, {"tray": "a"}]
)
def test_adapted_scores_of_other_types_are_refused(bundled: RunFolder, change: dict[str, Any]):
    saved = json.loads(bundled.adapted.read_text())
    saved["entries"][0]["adapted"] |= change
    put(bundled.adapted, json.dumps(saved))
    with pytest.raises(UnreadableFileError, match=r"adapted\.json cannot be read: (entries\.0|.*not as many scores)"):
        read_adapted(bundled)


def rewrite(file: Path, entry: str, change: Callable[[dict[str, Any], dict[str, Any]], object]) -> None:
    """Change the header and the tensors of a safetensors file; a text becomes the header."""
    with safe_open(file, framework="pt") as kept:
        header = json.loads(kept.metadata()[entry])
        tensors = {name: kept.get_tensor(name) for name in kept.keys()}  # noqa: SIM118
    changed = change(header, tensors)
    save_file(tensors, file, metadata={entry: changed if isinstance(changed, str) else json.dumps(header)})


STATES: dict[str, dict[str, Any]] = {
    f"{name} {value!r:.20}": {name: value}
    for name, values in {
        "config": ("text", [], None),
        "epoch": ("1", None, -1, 10**9, 4),
        "step": (True, "1", -1, 10**9, 3),
        "values": ("text", {"a": 1}, {"a": ["b"]}, {"a": [1.0] * 9}),
        "elapsed_seconds": ("1", [1], None),
        "records": ("text", [1], [{}], []),
        "format_version": ("one",),
        "teacher_fingerprint": (1,),
    }.items()
    for value in values
}


@pytest.mark.parametrize("change", STATES.values(), ids=STATES)
def test_a_state_of_other_types_is_refused(unfinished: RunFolder, training: Training, change: dict[str, Any]):
    rewrite(unfinished.state, "gnl-state", lambda header, _: header.update(change))
    check_state_refused(unfinished, training)


def check_state_refused(folder: RunFolder, training: Training) -> None:
    with pytest.raises(ValueError, match=r"state\.safetensors (has|is|was|does)|invalid settings") as refusal:
        restore_state(folder.state, training, read_config(folder))
    assert len(str(refusal.value)) <= 400 + len(str(folder.path))


def pop_tensor(tensors: dict[str, Any], prefix: str) -> None:
    tensors.pop(next(name for name in tensors if name.startswith(prefix)))


def move_tensor(tensors: dict[str, Any], name: str) -> None:
    first = next(name for name in tensors if name.startswith("optimizer"))
    tensors[name] = tensors.pop(first)


TENSORS: dict[str, Callable[[dict[str, Any], dict[str, Any]], object]] = {
    "no tensor of the optimizer": lambda _, tensors: pop_tensor(tensors, "optimizer"),
    "no tensor of the detector": lambda _, tensors: pop_tensor(tensors, "detector"),
    "no random state": lambda _, tensors: pop_tensor(tensors, "draws"),
    "short random state": lambda _, tensors: tensors.update(draws=tensors["draws"][:9].clone()),
    "random state of numbers": lambda _, tensors: tensors.update(draws=tensors["draws"].float()),
    "another parameter": lambda _, tensors: move_tensor(tensors, "optimizer.0.999999.step"),
    "no parameter": lambda _, tensors: move_tensor(tensors, "optimizer.0.a.step"),
    "nested": lambda *_: DEEP,
}


@pytest.mark.parametrize("change", TENSORS.values(), ids=TENSORS)
def test_a_state_of_other_tensors_is_refused(
    unfinished: RunFolder, training: Training, change: Callable[[dict[str, Any], dict[str, Any]], object]
):
    rewrite(unfinished.state, "gnl-state", change)
    check_state_refused(unfinished, training)


def test_settings_in_a_state_that_are_invalid_are_refused_with_its_name(unfinished: RunFolder, training: Training):
    rewrite(unfinished.state, "gnl-state", lambda header, _: header["config"].update(batch_size=0))
    with pytest.raises(ValueError, match=r"state\.safetensors has settings .* batch_size = 0"):
        restore_state(unfinished.state, training, read_config(unfinished))


def test_what_the_system_refuses_is_a_sentence(unfinished: RunFolder, check_sentence: Check):
    unfinished.stop.mkdir()
    check_sentence("train", "--run", unfinished.path, "--resume", naming=f"{unfinished.stop} cannot be used: ")


def test_a_resumed_training_refuses_its_state_in_one_sentence(unfinished: RunFolder, check_sentence: Check):
    rewrite(unfinished.state, "gnl-state", lambda header, _: header.update(step=True))
    check_sentence("train", "--run", unfinished.path, "--resume", naming=str(unfinished.state))


@pytest.mark.parametrize("name", ["config.json", "progress.jsonl", "status.json", "state.safetensors", ".lock"])
def test_a_pipe_does_not_hang_a_resumed_training(unfinished: RunFolder, check_sentence: Check, name: str):
    make_pipe(unfinished.path / name)
    check_sentence("train", "--run", unfinished.path, "--resume", naming=str(unfinished.path / name))


HEADERS: dict[str, dict[str, Any]] = {
    "config": {"config": "text"},
    "epoch": {"epoch": "1"},
    "teacher": {"teacher": [1]},
    "version": {"format_version": "two"},
    "huge version": {"format_version": 10**90},
}


@pytest.mark.parametrize("change", HEADERS.values(), ids=HEADERS)
def test_a_checkpoint_of_other_types_is_refused(bundled: RunFolder, check_sentence: Check, change: dict[str, Any]):
    rewrite(bundled.weights, "gnl-checkpoint", lambda header, _: header.update(change))
    check_sentence("score", bundled.path, naming=str(bundled.weights))


def name_paths(header: dict[str, Any], _: object) -> None:
    header["config"] |= {"teacher_weights": "/etc/passwd", "data_root": "/etc"}


def test_a_checkpoint_names_no_path_to_be_opened(bundled: RunFolder):
    rewrite(bundled.weights, "gnl-checkpoint", name_paths)
    config = load_run(bundled, device="cpu").config
    assert (config.teacher_weights, config.data_root) == (None, None)


def test_the_data_root_of_a_run_and_its_epochs_is_that_of_its_own_settings(bundled: RunFolder, tmp_path: Path):
    put(bundled.config, json.dumps(json.loads(bundled.config.read_text()) | {"data_root": str(tmp_path)}))
    epoch = bundled.epoch(1)
    epoch.path.mkdir(parents=True)
    shutil.copy(bundled.weights, epoch.weights)
    rewrite(epoch.weights, "gnl-checkpoint", name_paths)
    for folder in (bundled, epoch):
        assert load_run(folder, device="cpu").config.data_root == tmp_path


def test_a_path_with_a_nul_is_refused(bundled: RunFolder, check_sentence: Check):
    put(bundled.config, json.dumps(json.loads(bundled.config.read_text()) | {"data_root": "a\0b"}))
    check_sentence("score", bundled.path, naming=str(bundled.config))


def test_a_checkpoint_with_deeply_nested_metadata_is_refused(bundled: RunFolder, check_sentence: Check):
    rewrite(bundled.weights, "gnl-checkpoint", lambda *_: DEEP)
    check_sentence("score", bundled.path, naming=str(bundled.weights))


def test_damaged_scores_are_refused_before_scoring(bundled: RunFolder, check_sentence: Check):
    drop_column(bundled.scores, "label")
    check_sentence("score", bundled.path, "--device", "cpu", naming=str(bundled.scores))

"""Every file of a run folder, changed in every way: listed, scored and resumed, or refused in one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gnl_core.config import ScoringConfig
from gnl_core.runs.adapted_scores import read_adapted
from gnl_core.runs.folder import RunFolder, read_config
from gnl_core.runs.line_scores import read_line
from gnl_core.runs.reports import read_shift_scores
from gnl_core.runs.scores import read_saved_scores, select_scores
from gnl_core.runs.tray_scores import TrayScores, read_tray_scores, save_tray_scores
from gnl_core.runs.trays import TrayUse
from tests.torture.inputs.conftest import World
from tests.torture.inputs.mutations import Mutation, byte_mutations, choose, json_mutations, restore, special_mutations
from tests.torture.inputs.table_mutations import table_mutations
from tests.torture.inputs.tensor_mutations import tensor_mutations
from tests.torture.inputs.trying import Tries

BUNDLED = Path(__file__).parents[3] / "assets" / "checkpoints" / "digits-4-gnl"
RUNS, SCORE, RESUME, LOG, EPOCH = "runs", "score", "resume", "log", "epoch"
FILES = {  # run, commands that read the file, and how many changes are tried: few where only its presence matters
    "config.json": ("interrupted", (RUNS, RESUME), 150),
    "progress.jsonl": ("interrupted", (RUNS, RESUME), 100),
    "status.json": ("interrupted", (RUNS, RESUME), 100),
    "state.safetensors": ("interrupted", (RESUME,), 50),
    "weights.safetensors": ("finished", (RUNS, SCORE), 50),
    "scores.parquet": ("finished", (RUNS, SCORE), 100),
    "origin.json": ("finished", (RUNS,), 50),
    "epochs/001/weights.safetensors": ("finished", (EPOCH,), 50),
    "epochs": ("finished", (RUNS, EPOCH), 20),
    ".lock": ("interrupted", (RUNS, RESUME), 20),
    "stop": ("interrupted", (RUNS, RESUME), 20),
    "log.txt": ("interrupted", (LOG,), 50),
}
ENTRIES = {"state.safetensors": "gnl-state", "weights.safetensors": "gnl-checkpoint"}
UNREAD = {("weights.safetensors", RUNS), ("origin.json", RUNS), ("stop", RUNS), ("stop", RESUME), ("epochs", RUNS)}
READERS: dict[str, Callable[[RunFolder], object]] = {
    "scores.parquet": read_saved_scores,
    "tray_scores.parquet": read_tray_scores,
    "adapted.json": read_adapted,
    "line.json": lambda folder: read_line(folder, read_config(folder), ""),
    "report.json": read_shift_scores,
}


def mutations_of(path: Path) -> list[Mutation]:
    """All changes that fit the kind of a file; special files and other bytes fit any."""
    found = special_mutations()
    if path.is_dir():
        return found
    content = path.read_bytes() if path.exists() else b""
    found += byte_mutations(content, count=120, seed=1)
    if path.suffix == ".json":
        found += json_mutations(content.decode())
    elif path.suffix == ".jsonl":
        found += [with_newline(one) for one in json_mutations(content.decode().splitlines()[0])]
    elif path.suffix == ".parquet":
        found += table_mutations(content)
    elif path.suffix == ".safetensors":
        found += tensor_mutations(content, entry=ENTRIES[path.name], seed=2)
    return found


def with_newline(mutation: Mutation) -> Mutation:
    """End the file with a line break: a last line without one is that of a process that was killed."""

    def apply(path: Path) -> None:
        mutation.apply(path)
        with path.open("ab") as stream:
            stream.write(b"\n")

    return mutation._replace(apply=apply)


def words_of(command: str, folder: RunFolder) -> tuple[object, ...]:
    return {
        RUNS: ("runs", folder.path.parent),
        SCORE: ("score", folder.path, "--device", "cpu"),
        EPOCH: ("score", folder.path, "--device", "cpu", "--epoch", "1"),
        RESUME: ("train", "--run", folder.path, "--resume"),
        LOG: ("runs", "--log", folder.path),
    }[command]


@pytest.mark.parametrize("name", FILES)
def test_a_changed_file_is_read_or_refused(
    name: str,
    world: World,
    tries: Tries,
):
    run, commands, count = FILES[name]
    everything = mutations_of(world.original(run).path / name)
    for mutation in choose(everything, count=tries.scaled(short=count // 20, full=count), seed=3):
        for command in commands:
            folder = world.fresh(run)
            mutation.apply(folder.path / name)
            must_refuse = mutation.is_special and (name, command) not in UNREAD
            tries.command(*words_of(command, folder), name=f"{name}: {mutation.name}", must_refuse=must_refuse)
    tries.finish(f"run folders, {name}")


@pytest.fixture
def whole(world: World) -> RunFolder:
    """The finished run with every file that the readers read."""
    folder = world.fresh("finished")
    rows = read_saved_scores(folder)
    assert rows is not None
    scores = select_scores(rows, domain="test", scoring=ScoringConfig(style_weight=0.0, reference_count=2))
    assert scores is not None
    save_tray_scores(folder, [TrayScores(TrayUse("adapted", "normal", 2), "0" * 64, ScoringConfig(), scores)])
    adapted = json.loads((BUNDLED / "adapted.json").read_text())
    first = adapted["entries"][0]
    domain = {first["domain"]: adapted["images"][first["domain"]]}
    folder.adapted.write_text(json.dumps({**adapted, "images": domain, "entries": [first]}))
    folder.line.write_bytes((BUNDLED.parent / "parts-nut-rd4ad" / "line.json").read_bytes())
    return folder


@pytest.mark.parametrize("name", READERS)
def test_a_changed_record_is_read_or_refused(
    name: str,
    whole: RunFolder,
    tries: Tries,
):
    path = whole.path / name
    original = path.read_bytes()
    READERS[name](whole)
    for mutation in choose(mutations_of(path), count=tries.scaled(short=20, full=300), seed=4):
        restore(path, original)
        mutation.apply(path)
        tries.call(lambda: READERS[name](whole), name=f"{name}: {mutation.name}", must_refuse=mutation.is_special)
    tries.finish(f"run folders, reader of {name}")

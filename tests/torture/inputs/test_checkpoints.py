"""Checkpoints, training states, adaptations and teachers' weights, changed in every way; nothing is unpickled."""

from __future__ import annotations

import os
import pickle
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from gnl_core.models.teacher_weights import read_state_dicts
from gnl_core.models.teachers import create_teacher
from gnl_core.runs.adaptations import load_adaptation
from gnl_core.runs.checkpoints import load_checkpoint
from gnl_core.runs.folder import RunFolder, read_config
from gnl_core.runs.imports import import_own
from gnl_core.runs.scoring import load_run
from gnl_core.runs.state import restore_state
from gnl_core.runs.training import prepare_training
from gnl_core.training import begin
from tests.torture.inputs.conftest import World
from tests.torture.inputs.mutations import byte_mutations, choose, special_mutations
from tests.torture.inputs.tensor_mutations import tensor_mutations
from tests.torture.inputs.trying import Tries


class Original(NamedTuple):
    """A valid file, and the entry of its metadata that has our record, if any."""

    path: Path
    entry: str | None = None


def try_file(tries: Tries, file: Original, read: Callable[[Path], object], *, count: int, work: Path) -> None:
    """Read changed copies of a file, each change drawn at most once."""
    original, entry = file
    content = original.read_bytes()
    everything = special_mutations() + byte_mutations(content, count=150, seed=5)
    everything += tensor_mutations(content, entry=entry, seed=6) if entry else []
    read(original)
    for mutation in choose(everything, count=count, seed=7):
        shutil.rmtree(work)
        work.mkdir()
        copy = work / original.name
        shutil.copy(original, copy)
        mutation.apply(copy)
        tries.call(
            lambda copy=copy: read(copy), name=f"{original.name}: {mutation.name}", must_refuse=mutation.is_special
        )


@pytest.fixture
def work(world: World) -> Path:
    return world.fresh("finished").path


def test_a_changed_checkpoint_is_loaded_or_refused(world: World, tries: Tries, work: Path):
    file = Original(world.original("finished").weights, "gnl-checkpoint")
    count = tries.scaled(short=12, full=400)
    try_file(tries, file, lambda path: load_checkpoint(path, device="cpu"), count=count, work=work)
    tries.finish("checkpoints")


def test_a_changed_checkpoint_is_imported_or_refused(world: World, tries: Tries, work: Path):
    def read(path: Path) -> object:
        shutil.rmtree(world.runs / "imported", ignore_errors=True)
        return import_own(path, world.runs / "imported")

    file = Original(world.original("finished").weights, "gnl-checkpoint")
    try_file(tries, file, read, count=tries.scaled(short=4, full=50), work=work)
    tries.finish("checkpoints, imported")


def test_a_changed_state_is_restored_or_refused(world: World, tries: Tries, work: Path):
    folder = world.original("interrupted")
    config = read_config(folder)
    detector, batches = prepare_training(config)
    training = begin(detector, batches, epochs=config.epochs, learning_rate=config.learning_rate)
    file = Original(folder.state, "gnl-state")
    count = tries.scaled(short=12, full=400)
    try_file(tries, file, lambda path: restore_state(path, training, config), count=count, work=work)
    tries.finish("training states")


def test_a_changed_adaptation_is_loaded_or_refused(world: World, tries: Tries, work: Path):
    run = load_run(world.original("finished"), device="cpu")
    file = Original(world.adaptation, "gnl-adaptation")
    count = tries.scaled(short=30, full=700)
    try_file(tries, file, lambda path: load_adaptation(path, run), count=count, work=work)
    tries.finish("adaptations")


@pytest.fixture(scope="module")
def teacher_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("teachers") / "test_resnet.pth"
    torch.save(timm.create_model("test_resnet").state_dict(), file)
    return file


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_changed_weight_file_of_a_teacher_is_loaded_or_refused(
    suffix: str, teacher_file: Path, tries: Tries, work: Path
):
    file = Original(teacher_file)
    if suffix == ".safetensors":
        file = Original(teacher_file.with_suffix(suffix), "format")
        save_file(torch.load(teacher_file, weights_only=True), file.path, metadata={"format": '{"a": 1}'})
    count = tries.scaled(short=12, full=700)
    try_file(tries, file, lambda path: create_teacher("test_resnet", weights=path), count=count, work=work)
    tries.finish(f"teacher weights, {suffix}")


def test_a_changed_published_checkpoint_is_read_or_refused(tmp_path: Path, tries: Tries, work: Path):
    file = Original(tmp_path / "published.pth")
    torch.save({"bn": {"weight": torch.zeros(2, 3)}, "decoder": {"bias": torch.ones(4)}}, file.path)
    count = tries.scaled(short=20, full=170)
    try_file(tries, file, lambda path: read_state_dicts(path, ("bn", "decoder")), count=count, work=work)
    tries.finish("teacher weights, published checkpoints")


# What a pickle would do


class Bomb:
    """An object whose unpickling creates a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.mark),)


def bombs(mark: Path) -> dict[str, Callable[[Path], object]]:
    """Ways to write a file that creates a folder when it is unpickled."""
    bomb = Bomb(mark)
    return {
        **{
            f"protocol {protocol}": lambda path, protocol=protocol: path.write_bytes(pickle.dumps(bomb, protocol))
            for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
        },
        "torch": lambda path: torch.save(bomb, path),
        "torch, legacy": lambda path: torch.save(bomb, path, _use_new_zipfile_serialization=False),
        "torch, beside tensors": lambda path: torch.save({"bn": {"a": torch.zeros(1)}, "decoder": bomb}, path),
        "numpy": lambda path: np.save(path.open("wb"), np.array([bomb], dtype=object), allow_pickle=True),
        "numpy archive": lambda path: np.savez(path.open("wb"), x=np.array([bomb], dtype=object)),
    }


def commands(folder: RunFolder, interrupted: RunFolder, bomb: Path, output: Path) -> dict[str, tuple[object, ...]]:
    """Commands that read a file, each with the file in its place."""
    train = ("train", "--run", output, "--dataset", "digits", "--normal-class", "4")
    return {
        "checkpoint": ("score", folder.path),
        "state": ("train", "--run", interrupted.path, "--resume"),
        "adaptation": ("score", folder.path, "--adaptation", bomb),
        "teacher weights": (*train, "--teacher-weights", bomb),
        "published checkpoint": ("import", bomb, "--run", output, "--teacher", "resnet18"),
        "preset": ("score", folder.path, "--preset", bomb),
    }


def test_no_pickle_is_executed(world: World, tmp_path: Path, tries: Tries):
    mark = tmp_path / "executed"
    kinds = [(kind, suffix) for kind in bombs(mark) for suffix in (".pth", ".safetensors")]
    for number, (kind, suffix) in enumerate(random.Random(0).sample(kinds, tries.scaled(short=2, full=len(kinds)))):
        bomb, output = tmp_path / f"bomb{number}{suffix}", tmp_path / f"run{number}"
        bombs(mark)[kind](bomb)
        finished = world.fresh("finished")
        interrupted = RunFolder(world.runs / "interrupted")
        shutil.copytree(world.original("interrupted").path, interrupted.path)
        files = {"checkpoint": finished.weights, "state": interrupted.state}
        for name, words in commands(finished, interrupted, bomb, output).items():
            original = None
            if name in files:  # the other commands need the true one
                original = files[name].rename(tmp_path / "original")
                shutil.copy(bomb, files[name])
            tries.command(*words, name=f"{kind} as {name}", must_refuse=True)
            if original:
                original.rename(files[name])
        assert not mark.exists()
    tries.finish("pickles")


def test_the_bombs_do_explode_where_they_are_unpickled(tmp_path: Path):
    bombs(tmp_path / "executed")["protocol 2"](tmp_path / "bomb")
    pickle.loads((tmp_path / "bomb").read_bytes())
    assert (tmp_path / "executed").exists()

"""A small world: images, a finished and an interrupted run, and a place where nothing may be written."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import PIL.Image
import pytest
import torch

from gnl_core.cli import main
from gnl_core.config import RunConfig
from gnl_core.detectors import complete_config
from gnl_core.models.teachers import create_teacher
from gnl_core.runs.folder import RunFolder, create_run
from gnl_core.runs.training import advance_run
from tests.torture.inputs.trying import Tries

SIDE_PX = 32


class World(NamedTuple):
    """Folders of the tries.

    Attributes:
        path: All of them.
        data: Images of the layout of a folder of one's own.
        runs: The runs that are tried, in folders of their own: made again for each try.
        originals: Those runs, unharmed.
        kept: Working folder and temporary files; nothing may stay here.
    """

    path: Path
    data: Path
    runs: Path
    originals: Path
    kept: Path

    @property
    def adaptation(self) -> Path:
        """An adaptation of the finished run to darker images."""
        return self.originals / "adaptation.safetensors"

    def original(self, name: str) -> RunFolder:
        return RunFolder(self.originals / name)

    def fresh(self, name: str) -> RunFolder:
        """The run as it was, in place of the one that was tried."""
        folder = self.runs / name
        shutil.rmtree(self.runs)
        self.runs.mkdir()
        shutil.copytree(self.originals / name, folder, copy_function=os.link)
        return RunFolder(folder)


@pytest.fixture(scope="module", autouse=True)
def kept_teacher() -> Iterator[None]:
    """One teacher for all tries: it is frozen, and reading its weights is not what is tried."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gnl_core.detectors.base.create_teacher", remember(create_teacher))
        yield


def remember(create: Callable[..., object]) -> Callable[..., object]:
    """Remember teachers, but not outlines, which depend on where they are made."""
    kept = functools.lru_cache(maxsize=4)(create)

    @functools.wraps(create)
    def find(name: str, **settings: object) -> object:
        is_outline = torch.get_default_device().type == "meta"
        return create(name, **settings) if is_outline or settings.get("weights") else kept(name, **settings)

    return find


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    path = tmp_path_factory.mktemp("world")
    made = World(path, *(path / name for name in ("data", "runs", "originals", "kept")))
    for folder in made[1:]:
        folder.mkdir()
    for place, count in (("train/good", 10), ("test/good", 3), ("test/scratch", 3)):
        write_images(made.data / place, count=count)
    settings = {"dataset": "folder", "normal_class": "good", "data_root": made.data, "image_size": SIDE_PX}
    settings |= {"epochs": 2, "batch_size": 4, "stored_references": 2, "reference_count": 2, "keep_epochs": True}
    settings |= {"holdout_percent": 25.0, "device": "cpu", "detector": "rd4ad", "workers": 0}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gnl_core.detectors.base.create_teacher", remember(create_teacher))
        finish(made, settings)
        interrupt(made.original("interrupted"), settings)
    return made


def write_images(folder: Path, *, count: int, largest: int = 256) -> None:
    folder.mkdir(parents=True)
    for number in range(count):
        seed = zlib.crc32(f"{folder.parent.name}/{folder.name}/{number}".encode())
        pixels = np.random.default_rng(seed).integers(0, largest, (SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
        PIL.Image.fromarray(pixels).save(folder / f"{number}.png")


def finish(world: World, settings: dict[str, object]) -> None:
    folder = world.original("finished")
    config = complete_config(RunConfig(**settings))
    create_run(folder.path, config)
    list(advance_run(config, folder))
    assert main(["score", str(folder.path), "--style-weight", "0"]) == 0
    write_images(world.originals / "dark", count=16, largest=60)
    images = ["--images", str(world.originals / "dark"), "--normal"]
    assert main(["adapt", str(folder.path), *images, "--output", str(world.adaptation)]) == 0
    folder.origin.write_text('{"file": "a.pth", "sha256": "' + "0" * 64 + '"}')
    folder.log.write_text("epoch 1 of 2\n" * 40)
    folder.status.write_text(
        '{"state": "finished", "queued": 1.0, "time": 2.0, "host": "a", "pid": 1, "losses": {"a": 1.0}}'
    )
    folder.lock.touch()


def interrupt(folder: RunFolder, settings: dict[str, object]) -> None:
    config = complete_config(RunConfig(**settings | {"epochs": 3}))
    create_run(folder.path, config)
    seen = iter(range(9))
    list(advance_run(config, folder, stop=lambda: next(seen) == 2))
    folder.status.write_text('{"state": "stopped", "queued": 1.0, "time": 2.0, "host": "a", "pid": 1}')
    folder.lock.touch()
    folder.log.write_text("epoch 1 of 3\n")


@pytest.fixture
def tries(
    world: World, monkeypatch: pytest.MonkeyPatch, scaled: Callable[..., int], report_figures: Callable[..., None]
) -> Tries:
    """An empty count; the working folder and the temporary files are where nothing may stay."""
    monkeypatch.chdir(world.kept)
    monkeypatch.setattr(tempfile, "tempdir", str(world.kept))
    return Tries(world.path, world.kept, scaled, report_figures)

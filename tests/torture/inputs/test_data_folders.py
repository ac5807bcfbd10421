"""Folders of images of one's own, changed in every way: read, checked and trained on, or refused in one sentence."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gnl_core.datasets import find_dataset, list_items, list_train_items
from tests.torture.inputs.conftest import World
from tests.torture.inputs.mutations import remove, special_mutations
from tests.torture.inputs.trying import Tries

SMALL_BYTES = 10**6
NAMES = (
    *("Good", "GOOD ", "ok", "ng", "normal", "train", "test", "held_out", "mask", "ground_truth", "images", ".hidden"),
    *(
        "a+b",
        "a:b",
        "-rf",
        "~",
        "%2e%2e",
        "a" * 255,
        "ü" * 127,
        "a\nb",
        "\x1b[2J",
        "..a",
        "a b",
        "good",
        "\u202egpj",
        "con",
    ),
    *(
        "digits+contrast:3",
        "{}",
        "'; --",
        "![a](b)",
        "<b>",
        "0",
        "١",
        "test.png",
        "0.png",
        b"\xff\xfe".decode("utf-8", "surrogateescape"),
    ),
)


def rename(path: Path, name: str) -> None:
    target = path.with_name(name)
    if not target.exists():
        path.rename(target)


def copy(path: Path, name: str) -> None:
    target = path.with_name(name)
    if target.exists() or path.is_symlink():
        return
    if path.is_dir():
        shutil.copytree(path, target, symlinks=True, copy_function=copy_small)
    else:
        copy_small(path, target)


def copy_small(source: str | Path, target: str | Path) -> None:
    """Copy a small regular file; others, such as a sparse one or a pipe, could fill the disk or never end."""
    if Path(source).is_file() and Path(source).stat().st_size <= SMALL_BYTES:
        shutil.copyfile(source, target)


def wrap(path: Path, *_: str) -> None:
    """Put a folder or file into ninety folders."""
    inner = path.with_name("moved")
    path.rename(inner)
    deep = path.joinpath(*["a"] * 90)
    deep.mkdir(parents=True)
    inner.rename(deep / "moved")


def crowd(path: Path, *_: str) -> None:
    for number in range(300):
        (folder_of(path) / f"more {number}").mkdir(exist_ok=True)


def loop(path: Path, *_: str) -> None:
    (folder_of(path) / "again").symlink_to("..", target_is_directory=True)


def lead_out(path: Path, *_: str) -> None:
    remove(path)
    path.symlink_to("/etc" if not path.suffix else "/etc/passwd")


def touch(path: Path, name: str) -> None:
    (folder_of(path) / name).touch()


def folder_of(path: Path) -> Path:
    """The folder itself, or that of a file or a link: a link is not followed, since it may lead out of the tests."""
    return path if path.is_dir() and not path.is_symlink() else path.parent


CHANGES: tuple[Callable[[Path, str], object], ...] = (rename, copy, wrap, crowd, loop, lead_out, touch)


def changes(root: Path, generator: random.Random) -> Iterator[tuple[str, Callable[[], object]]]:
    """Endless changes of a random place below a folder, and sometimes of the folder itself."""
    special = special_mutations()
    while True:
        places = sorted(root.rglob("*"), key=lambda path: (len(path.parts), str(path)))
        folders = [path for path in places if path.is_dir() and not path.is_symlink()]
        path = generator.choice([*folders, *generator.sample(places, min(4, len(places))), root])
        shown = path.relative_to(root.parent)
        if generator.random() < 0.4 or path == root:
            one = generator.choice(special)
            yield f"{shown}: {one.name}", lambda path=path, one=one: one.apply(path)
        else:
            change, name = generator.choice(CHANGES), generator.choice(NAMES)
            yield (
                f"{shown}: {change.__name__} {name!r:.40}",
                lambda path=path, change=change, name=name: change(path, name),
            )


def list_everything(root: Path) -> None:
    spec = find_dataset("folder", root)
    for normal_class in spec.classes:
        list_train_items("folder", normal_class=normal_class, root=root)
        for domain in spec.domains:
            for item in list_items("folder", normal_class=normal_class, domain=domain, root=root):
                item.read()


def words_of(command: str, root: Path, run: Path) -> tuple[object, ...]:
    data = ("--dataset", "folder", "--data-root", root)
    small = ("--image-size", 32, "--epochs", 1, "--batch-size", 8, "--stored-references", 2, "--device", "cpu")
    return {
        "check": ("data", "check", *data),
        "list": ("data", "list", "--data-root", root),
        "train": ("train", "--run", run, *data, "--normal-class", "good", "--detector", "knn", *small),
        "score": ("score", run, "--data-root", root, "--device", "cpu"),
    }[command]


@pytest.mark.parametrize("command", ["read", "check", "list", "train", "score"])
def test_a_changed_folder_is_read_or_refused(command: str, world: World, tries: Tries):
    count = tries.scaled(short=16, full=600) // (1 if command == "read" else 4)
    for seed in range(count):
        run = world.fresh("finished").path
        root = world.runs / "data"
        shutil.copytree(world.data, root)
        made = []
        generator = random.Random(seed)
        for name, change in changes(root, generator):
            try:
                change()
            except OSError:  # names that this file system does not take
                continue
            made.append(name)
            if len(made) == 1 + seed % 3 or root.is_symlink() or not root.is_dir():
                break
        name = f"seed {seed}: {made}"
        if command == "read":
            tries.call(lambda root=root: list_everything(root), name=name)
        else:
            run = world.runs / "new" if command == "train" else run
            tries.command(*words_of(command, root, run), name=name)
    tries.finish(f"data folders, {command}")

"""No name leads out of the folders that a server opens: 100 and more attempts, tried in each way in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from app.local_data import open_own, typed_path
from app.server import people, rules
from app.server.paths import lies_under, size_of_folder
from gnl_core.config import RunConfig

SECRET = "secret"  # the folder beside the root, which nothing leads to
STEPS = ["../secret", "a/../../secret", "a/b/../../../secret", "./../secret", "a//..//..//secret", "../root/../secret"]
LINKS = ["link", "chain", "a/link", "relative", "link/inner", "link/..", "chain/inner", "parent", "parent/secret"]
DISGUISES = [
    "..%2fsecret",
    "%2e%2e/secret",
    "%2e%2e%2fsecret",
    "..%252fsecret",
    "%252e%252e%252fsecret",
    "..%c0%afsecret",
    "..\\secret",
    "..\\..\\secret",
    "a\\..\\..\\secret",
    "．．/secret",
    "..／secret",
    "‥/secret",
    "....//secret",
    "..;/secret",
    "..\t/secret",
    ".. /secret",
    "..\n/secret",
    "\\\\localhost\\secret",
    "C:\\secret",
    "C:/secret",
]
UNREADABLE = [
    "\0",
    "a\0b",
    "../secret\0",
    "../secret\0.png",
    "\0../secret",
    "\ud800",
    "../secret/\ud800",
    "a" * 300,
    "a/" * 3000,
]
HOMES = ["~", "~/..", "~root", "~nobody", "~nosuchuser/x", "~/../..", "~root/.ssh"]
SYSTEM = [
    "/",
    "//",
    "/etc",
    "/etc/passwd",
    "//etc/passwd",
    "/proc/self/root",
    "/proc/self/cwd",
    "/proc/self/root/etc",
    "/proc/self/fd",
    "/dev",
    "/dev/fd",
    "/dev/zero",
    "/tmp",
    "/var/log",
    "/root",
    "/home",
    "/sys",
    "/usr/share",
]
SCHEMES = ["file:///etc", "file://localhost/etc", "http://localhost/", "smb://host/share", "\\\\?\\C:\\", "data:,x"]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root of a shared server whose visitor is signed in, with links out of it and a folder beside it."""
    inside, secret = tmp_path / "root", tmp_path / SECRET
    (inside / "a" / "b").mkdir(parents=True)
    (secret / "inner").mkdir(parents=True)
    (tmp_path / "rootbeer").mkdir()  # begins like the root
    (secret / "key.png").write_bytes(b"")
    (inside / "link").symlink_to(secret)
    (inside / "a" / "link").symlink_to(secret)
    (inside / "chain").symlink_to(inside / "link")
    (inside / "relative").symlink_to("../secret")
    (inside / "parent").symlink_to("..")
    (inside / "loop").symlink_to(inside / "loop")
    (inside / "in").symlink_to(inside / "a")
    monkeypatch.setenv("GNL_MODE", "shared")
    monkeypatch.setenv("GNL_ROOTS", str(inside))
    monkeypatch.setenv("GNL_RUNS", str(tmp_path / "runs"))
    monkeypatch.delenv("GNL_DATA", raising=False)
    monkeypatch.setattr(people, "person", lambda: "0" * 32)
    return inside


def attempts(root: Path) -> Iterator[str]:
    """Everything that a visitor or a file could name."""
    relative = [*STEPS, *LINKS, *DISGUISES, *UNREADABLE]
    yield from (f"{root}/{name}" for name in relative)
    yield from (f"{root}/{quote(name, errors='replace')}" for name in STEPS)
    yield from (f"'{root}/{name}'" for name in STEPS)
    yield from (name for name in relative if not name.startswith("a"))
    yield from [*HOMES, *SYSTEM, *SCHEMES]
    yield from (f"{root}{name}" for name in ("beer", "/../rootbeer", "beer/..", "/../..", "/.."))
    yield from (str(root.parent), str(root.parent / SECRET), os.path.relpath(root.parent / SECRET), ".", "..", "")


def leads_out(name: str, root: Path) -> bool:
    """Whether the app takes a name for a path outside the root: what it opens, by the system's own account."""
    path = typed_path(name)
    if path is None or not rules.may_open(path):
        return False
    opened = rules.open_path(path)
    real = Path(os.path.realpath(opened))
    return opened != real or not (real == root or root in real.parents)


def test_no_attempt_of_more_than_a_hundred_leads_out(root: Path):
    names = list(attempts(root))
    assert len(set(names)) >= 100
    assert [name for name in names if leads_out(name, root)] == []


def test_the_attempts_that_name_an_existing_folder_outside_are_all_refused(root: Path):
    outside = [path for name in attempts(root) if (path := typed_path(name)) and is_folder_outside(path, root)]
    assert len(outside) >= 30  # the table tries what is there, not only what is missing
    for path in outside:
        with pytest.raises(ValueError, match=r"this server does not open .*; ask its operator"):
            open_own("folder", path)


def is_folder_outside(path: Path, root: Path) -> bool:
    try:
        return path.is_dir() and not path.resolve().is_relative_to(root)
    except (ValueError, OSError, RuntimeError):
        return False


@pytest.mark.parametrize("name", ["", "a", "a/b", "in", "in/b", "a/../a", "parent/root/a"])
def test_what_lies_in_the_root_is_opened_by_its_real_path(root: Path, name: str):
    assert rules.open_path(root / name) == (root / name).resolve()


def test_a_link_in_a_loop_is_refused_or_missing(root: Path):
    with pytest.raises(ValueError, match=r"there is no folder|this server does not open"):
        open_own("folder", root / "loop")


def test_a_name_that_can_be_no_path_is_refused_for_one_person_too(root: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GNL_MODE", "personal")
    for name in ("a\0b", "\ud800"):
        with pytest.raises(ValueError, match="is no path; check what you typed"):
            open_own("folder", Path(name))
    assert rules.open_path(Path("/etc")) == Path("/etc").resolve()


@pytest.mark.parametrize("setting", ["data_root", "teacher_weights", "region_of_interest"])
def test_a_runs_settings_name_no_path_outside(root: Path, setting: str):
    for name in attempts(root):
        path = typed_path(name)
        if path is None or "\0" in name:
            continue
        value = str(path) if setting == "region_of_interest" else path
        config = RunConfig().model_copy(update={setting: value})
        if not rules.may_open(path):
            with pytest.raises(ValueError, match="run names a path that this server does not open"):
                rules.check_paths(config, name="run")
    rules.check_paths(RunConfig(data_root=root / "a", region_of_interest="64x64:2048,2048"), name="run")


def test_the_data_folder_and_a_persons_own_runs_are_opened_and_those_of_others_are_not(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("GNL_DATA", str(tmp_path / "data"))
    assert rules.may_open(tmp_path / "data" / "mnist")
    assert rules.may_open(tmp_path / "runs" / "people" / ("0" * 32) / "mine")
    assert not rules.may_open(tmp_path / "runs" / "people" / ("1" * 32) / "theirs")
    monkeypatch.setenv("GNL_MODE", "public")
    assert rules.may_open(root / "a")
    assert not rules.may_open(tmp_path / "runs")


def test_without_roots_nothing_lies_under_them(tmp_path: Path):
    assert not lies_under(tmp_path, [])


def test_the_size_of_a_folder_is_that_of_its_files_without_what_links_lead_to(tmp_path: Path):
    (tmp_path / "runs" / "a").mkdir(parents=True)
    (tmp_path / "large").write_bytes(bytes(100_000))
    (tmp_path / "runs" / "one").write_bytes(bytes(1000))
    (tmp_path / "runs" / "a" / "two").write_bytes(bytes(500))
    (tmp_path / "runs" / "link").symlink_to(tmp_path / "large")
    assert 1500 <= size_of_folder(tmp_path / "runs") < 2000

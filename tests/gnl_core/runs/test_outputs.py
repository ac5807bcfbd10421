from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import PIL.Image
import pytest

from gnl_core.config import RunConfig
from gnl_core.runs.folder import create_run
from gnl_core.runs.outputs import check_comparison_folder, check_output, check_output_file, path_to_share


@pytest.fixture(autouse=True)
def no_data_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GNL_DATA", raising=False)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder of the user's images, without masks."""
    for name in ("train/good/1", "test/good/2", "test/hole/3"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.new("L", (4, 4)).save(tmp_path / f"{name}.png")
    return tmp_path


@pytest.mark.parametrize(
    "place", ["test", "test/good/maps", "train/run", "ground_truth/x", "images", "normal/scores.csv", "Testing/a"]
)
def test_an_output_among_the_users_images_is_refused_with_a_suggestion(own: Path, place: str):
    with pytest.raises(
        ValueError, match=f"--maps would be written to .*{place}, but every image in .* is read as data"
    ) as told:
        check_output(own / place, own, what="--maps")
    assert str(told.value).endswith(f"such as {own.parent / 'output'}")


@pytest.mark.parametrize("place", ["runs/a", "maps", "scores.csv", "../test/a", "."])
def test_an_output_beside_the_images_is_allowed_also_in_the_data_root(own: Path, place: str):
    check_output(own / place, own, what="--maps")


@pytest.mark.parametrize(
    "place",
    [
        "pacs/photo/dog",
        "PACS/kfold/sketch",
        "mvtec/bottle/test/good",
        "mvtec/bottle/ground_truth",
        "cifar10/train/cat",
        "mnist_m/mnist_m_test",
    ],
)
def test_an_output_among_the_images_of_a_known_data_set_is_refused(tmp_path: Path, place: str):
    with pytest.raises(ValueError, match="is read as data"):
        check_output(tmp_path / place, tmp_path, what="the run")


@pytest.mark.parametrize(
    "place", ["runs", "test", "images", "pacs/maps", "mvtec/bottle/maps", "mnist_m/mnist_m_test.npz"]
)
def test_an_output_elsewhere_in_a_root_of_known_data_sets_is_allowed(tmp_path: Path, place: str):
    check_output(tmp_path / place, tmp_path, what="the run")


def test_the_folder_that_gnl_data_names_counts_as_well(own: Path, monkeypatch: pytest.MonkeyPatch):
    check_output(own / "test" / "x", None, what="--csv")
    monkeypatch.setenv("GNL_DATA", str(own))
    with pytest.raises(ValueError, match="is read as data"):
        check_output(own / "test" / "x", None, what="--csv")


def test_a_link_into_the_images_is_followed(own: Path, tmp_path_factory: pytest.TempPathFactory):
    link = tmp_path_factory.mktemp("elsewhere") / "out"
    link.symlink_to(own / "test")
    with pytest.raises(ValueError, match="is read as data"):
        check_output(link / "good", own, what="--maps")


def test_no_run_is_created_among_images(own: Path, tiny_config: Callable[..., RunConfig]):
    with pytest.raises(ValueError, match="the run would be written to"):
        create_run(own / "test" / "run", tiny_config(dataset="folder", normal_class="good", data_root=own))
    assert not (own / "test" / "run").exists()


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("folder", "is a folder; choose the path of a file"),
        ("pipe", "is a named pipe; choose the path of a file"),
        ("to-null", "is a device; choose the path of a file"),
        ("loop", "cannot be written: Too many levels of symbolic links"),
        ("loop/x", "cannot be written: Too many levels of symbolic links"),
        ("file/x/y", "cannot be written: Not a directory"),
        ("n" * 300, "cannot be written: File name too long"),
        ("/proc/new/x", "cannot be written"),
    ],
)
def test_an_output_that_cannot_be_written_is_refused_and_nothing_is_created(tmp_path: Path, place: str, reason: str):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "to-null").symlink_to("/dev/null")
    (tmp_path / "loop").symlink_to("loop")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ValueError, match=f"--csv .* {reason}"):
        check_output_file(tmp_path / place, None, what="--csv")
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("place", ["new.csv", "new/folders/x.csv", "old.csv", "folder/../x.csv"])
def test_an_output_that_is_new_or_replaces_a_file_is_allowed(tmp_path: Path, place: str):
    (tmp_path / "folder").mkdir()
    (tmp_path / "old.csv").write_text("kept")
    check_output_file(tmp_path / place, None, what="--csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "old.csv"]
    assert (tmp_path / "old.csv").read_text() == "kept"


@pytest.mark.parametrize("place", ["file", "file/x", "loop", "/proc/new"])
def test_a_comparison_goes_into_no_file(tmp_path: Path, place: str):
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ValueError, match=r"--output .* cannot be written"):
        check_comparison_folder(tmp_path / place)


def test_a_path_to_share_is_relative_to_the_working_folder_or_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert path_to_share(Path("runs/a")) == str(Path("runs/a"))
    assert path_to_share(tmp_path / "runs" / "a") == str(Path("runs/a"))
    assert path_to_share(tmp_path.parent / "elsewhere" / "a") == "a"

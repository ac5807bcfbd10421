"""Unpacking the archives of CIFAR-10 and BSData."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from gnl_core.downloads import fetch
from gnl_core.downloads.unpacking import unpack, unpack_placed


def write_archive(path: Path, members: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def test_the_named_files_are_written_and_others_are_not(tmp_path: Path):
    members = {"data/a.bin": b"a", "../out.bin": b"x", "/tmp/gnl-out.bin": b"x", "data/other.bin": b"x"}
    unpack(write_archive(tmp_path / "in" / "a.tar.gz", members), tmp_path / "in", names=["data/a.bin"])
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == [
        "in",
        "in/a.tar.gz",
        "in/data",
        "in/data/a.bin",
    ]
    assert (tmp_path / "in/data/a.bin").read_bytes() == b"a"


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda file: file.write_bytes(file.read_bytes()[:40]), "cannot be unpacked"),
        (lambda file: file.write_bytes(b"<html>not found</html>"), "cannot be unpacked: Not a gzipped file"),
        (lambda file: write_archive(file, {"else": b""}), "has no file data/a.bin"),
        (Path.unlink, "cannot be unpacked"),
    ],
)
def test_a_damaged_archive_is_refused_in_one_sentence(tmp_path: Path, spoil, reason: str):
    file = write_archive(tmp_path / "a.tar.gz", {"data/a.bin": b"a" * 1000})
    spoil(file)
    with pytest.raises(ValueError, match=f"{file} {reason}.*; delete it and download it again"):
        unpack(file, tmp_path, names=["data/a.bin"])


def test_cifar10_is_unpacked_where_its_loader_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    archive = tmp_path / "cifar10" / "cifar-10-binary.tar.gz"
    monkeypatch.setattr(
        "torchvision.datasets.utils.download_url",
        lambda url, folder, md5: write_archive(archive, dict.fromkeys(fetch.CIFAR10_FILES, b"")),
    )
    fetch.download_cifar10(tmp_path)
    assert sorted(path.name for path in (tmp_path / "cifar10" / "cifar-10-batches-bin").iterdir()) == [
        "batches.meta.txt",
        *(f"data_batch_{number}.bin" for number in range(1, 6)),
        "test_batch.bin",
    ]


def test_bsdata_is_unpacked_where_its_loader_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    archive = tmp_path / "bsdata" / "main.tar.gz"
    wanted = ["data/01_a.jpg", "label/01_a.json", "LICENSE"]
    others = ["README.md", "data/deep/01_b.jpg", "../data/01_c.jpg", "data/..jpg/x.jpg"]
    members = {f"BSData-main/{name}": b"x" for name in [*wanted, *others]}
    monkeypatch.setattr("torchvision.datasets.utils.download_url", lambda url, folder: write_archive(archive, members))
    fetch.download_bsdata(tmp_path)
    files = sorted(path.relative_to(tmp_path / "bsdata").as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert files == sorted(wanted)


def test_an_archive_without_photographs_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    archive = tmp_path / "bsdata" / "main.tar.gz"
    monkeypatch.setattr(
        "torchvision.datasets.utils.download_url", lambda url, folder: write_archive(archive, {"a/LICENSE": b""})
    )
    with pytest.raises(ValueError, match=r"main\.tar\.gz has no photographs; delete it and download it again"):
        fetch.download_bsdata(tmp_path)


def test_a_path_that_leads_out_of_the_folder_is_refused(tmp_path: Path):
    archive = write_archive(tmp_path / "a.tar.gz", {"a": b"x"})
    with pytest.raises(ValueError, match="leads out of"):
        unpack_placed(archive, tmp_path / "in", place=lambda name: "../../out")
    assert not (tmp_path.parent / "out").exists()

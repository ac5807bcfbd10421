"""Unpacking CIFAR-10's archive."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from gnl_core.downloads import fetch
from gnl_core.downloads.unpacking import unpack


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

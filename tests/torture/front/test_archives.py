"""Hostile archives: whatever their members are called or link to, only the files that a data set needs are written."""

from __future__ import annotations

import gzip
import io
import os
import random
import tarfile
from pathlib import Path

import pytest

from gnl_core.downloads.unpacking import unpack
from tests.torture.front import values

SEED = 17
NAMES = ("batches/a.bin", "batches/b.bin")
KINDS = (
    tarfile.REGTYPE,
    tarfile.SYMTYPE,
    tarfile.LNKTYPE,
    tarfile.FIFOTYPE,
    tarfile.CHRTYPE,
    tarfile.DIRTYPE,
    tarfile.GNUTYPE_SPARSE,
)
LEADING_OUT = (
    "../outside",
    "../../outside",
    "batches/../../outside",
    "/tmp/outside",
    "./../outside",
    "batches/..\\outside",
    "batches",
    "batches/a.bin/",
    "./batches/a.bin",
    "//batches/a.bin",
    "BATCHES/A.BIN",
)


def draw_member(generator: random.Random) -> tuple[tarfile.TarInfo, bytes]:
    """A member with a hostile name, kind, target or size."""
    place = generator.choice([*LEADING_OUT, *NAMES, *values.PATHS[:-1], values.draw(generator)[:200]])
    member = tarfile.TarInfo(os.fsdecode(place.replace("\0", "0").encode("utf-8", "surrogatepass")) or "x")
    member.type = generator.choice(KINDS)
    member.linkname = generator.choice([*LEADING_OUT, *NAMES, "/etc/passwd", ".", ".."])
    member.mode, member.uid = generator.choice([0o644, 0o4755, 0, 0o777]), generator.choice([0, 2**20])
    content = generator.randbytes(generator.choice([0, 1, 600])) if member.type == tarfile.REGTYPE else b""
    member.size = len(content)
    return member, content


def write_archive(path: Path, generator: random.Random) -> None:
    """An archive of hostile members, among them the expected files, that is damaged now and then."""
    stream = io.BytesIO()
    form = generator.choice([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
    with tarfile.open(fileobj=stream, mode="w:gz", format=form) as archive:
        members = [draw_member(generator) for _ in range(generator.randrange(1, 8))]
        good = [(tarfile.TarInfo(name), b"good") for name in NAMES]
        for member, content in generator.sample(members + good, len(members) + generator.choice([1, 2, 2])):
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    content = stream.getvalue()
    if generator.random() < 0.2:
        content = content[: generator.randrange(len(content))]
    path.write_bytes(content)


def test_no_member_of_an_archive_leads_out(tmp_path, scaled, report_figures):
    generator, unpacked, refused, faults = random.Random(SEED), 0, 0, []
    count = scaled(short=40, full=600)
    for number in range(count):
        place = tmp_path / str(number)
        folder = place / "folder"
        folder.mkdir(parents=True)
        if generator.random() < 0.1:
            (folder / "batches").symlink_to("..")
        write_archive(place / "a.tar.gz", generator)
        before = everything(place)
        try:
            unpack(place / "a.tar.gz", folder, names=NAMES)
            unpacked += 1
        except ValueError as error:
            refused += 1
            if len(str(error)) > 400:
                faults.append((number, str(error)))
        written = everything(place) - before
        if not written <= {folder / "batches", *(folder / name for name in NAMES)} or not all(map(is_plain, written)):
            faults.append((number, written))
    assert not faults, f"of seed {SEED}: {faults[:3]}"
    assert not Path("/tmp/outside").exists()
    report_figures("hostile archives", tries=count, unpacked=unpacked, refused=refused, written_outside=0)


def everything(place: Path) -> set[Path]:
    return {Path(above) / name for above, *kinds in os.walk(place) for names in kinds for name in names}


def is_plain(path: Path) -> bool:
    """Whether a path is a folder or a private file of ours, and no link."""
    return not path.is_symlink() and (path.is_dir() or (path.stat().st_mode & 0o7777) == 0o644)


def test_a_member_that_claims_a_huge_size_is_refused_unread(tmp_path):
    bomb = tarfile.TarInfo(NAMES[0])
    bomb.size = 2**40
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(bomb.tobuf()))
    with pytest.raises(ValueError, match=r"batches/a\.bin has 1,099,511,627,776 bytes"):
        unpack(tmp_path / "a.tar.gz", tmp_path, names=NAMES)
    assert not (tmp_path / "batches").exists()

"""Download data sets through torchvision, with checksums where their publishers give any."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from gnl_core.downloads.unpacking import unpack, unpack_placed

CIFAR10_BINARY = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"  # same images as the Python version
CIFAR10_MD5 = "c32a1d4ab5d03f1284b67883e8d87530"
CIFAR10_FILES = (
    *(f"cifar-10-batches-bin/data_batch_{number}.bin" for number in range(1, 6)),
    "cifar-10-batches-bin/test_batch.bin",
    "cifar-10-batches-bin/batches.meta.txt",
)
BSDATA_ARCHIVE = "https://github.com/2Obe/BSData/archive/refs/heads/main.tar.gz"  # made on request: without a checksum
BSDATA_FILE = re.compile(r"[^/]+/(data/[^/]+\.jpg|label/[^/]+\.json|LICENSE[^/]*)")


def download_mnist(root: Path) -> None:
    """Download MNIST to root/mnist.

    Raises:
        ValueError: If the download fails; the message says what to do.
    """
    from torchvision.datasets import MNIST  # noqa: PLC0415 (slow to import, and only needed here)

    explain_failure(lambda: MNIST(root / "mnist", download=True), name="MNIST")


def download_cifar10(root: Path) -> None:
    """Download CIFAR-10's binary version to root/cifar10.

    Raises:
        ValueError: If the download fails; the message says what to do.
    """
    from torchvision.datasets.utils import download_url  # noqa: PLC0415 (as above)

    folder = root / "cifar10"
    explain_failure(lambda: download_url(CIFAR10_BINARY, folder, md5=CIFAR10_MD5), name="CIFAR-10")
    unpack(folder / CIFAR10_BINARY.rpartition("/")[2], folder, names=CIFAR10_FILES)


def download_bsdata(root: Path) -> None:
    """Download BSData to root/bsdata.

    Raises:
        ValueError: If the download fails, or has no photographs; the message says what to do.
    """
    from torchvision.datasets.utils import download_url  # noqa: PLC0415 (as above)

    folder = root / "bsdata"
    archive = folder / BSDATA_ARCHIVE.rpartition("/")[2]
    explain_failure(lambda: download_url(BSDATA_ARCHIVE, folder), name="BSData")
    if not any(path.startswith("data/") for path in unpack_placed(archive, folder, place=place_of_bsdata)):
        raise ValueError(f"{archive} has no photographs; delete it and download it again")
    archive.unlink()


def place_of_bsdata(name: str) -> str | None:
    """Return the path of a file of BSData's archive below its folder; None for a file that is not needed."""
    match = BSDATA_FILE.fullmatch(name)
    return match[1] if match else None


def explain_failure(fetch: Callable[[], object], *, name: str) -> None:
    """Call `fetch`; turn a failed download into a ValueError with one sentence."""
    try:
        fetch()
    except (OSError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(
            f"cannot download {name} ({reason}); download it elsewhere, and arrange the files as shown by gnl data list"
        ) from None


DOWNLOADS = {"mnist": download_mnist, "cifar10": download_cifar10, "bsdata": download_bsdata}

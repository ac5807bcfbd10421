"""Data sets that can be fetched, through torchvision; their checksums are torchvision's, or stand here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

CIFAR10_BINARY = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"  # the Python version holds the same
CIFAR10_MD5 = "c32a1d4ab5d03f1284b67883e8d87530"


def download_mnist(root: Path) -> None:
    """Fetch MNIST into root/mnist.

    Raises:
        ValueError: If it cannot be fetched; says what to do.
    """
    from torchvision.datasets import MNIST  # noqa: PLC0415 (seconds of import, for this command alone)

    explain_failure(lambda: MNIST(root / "mnist", download=True), name="MNIST")


def download_cifar10(root: Path) -> None:
    """Fetch CIFAR-10's binary version into root/cifar10.

    Raises:
        ValueError: If it cannot be fetched; says what to do.
    """
    from torchvision.datasets.utils import download_and_extract_archive  # noqa: PLC0415 (as above)

    folder = str(root / "cifar10")
    explain_failure(lambda: download_and_extract_archive(CIFAR10_BINARY, folder, md5=CIFAR10_MD5), name="CIFAR-10")


def explain_failure(fetch: Callable[[], object], *, name: str) -> None:
    """Fetch, or say in one sentence why not."""
    try:
        fetch()
    except (OSError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(
            f"cannot download {name} ({reason}); fetch it on a machine with network and lay it out as "
            "gnl data list says"
        ) from None


DOWNLOADS = {"mnist": download_mnist, "cifar10": download_cifar10}

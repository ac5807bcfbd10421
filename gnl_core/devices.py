"""Choose the device that computes."""

from __future__ import annotations

import torch

from gnl_core.messages import quote, shorten


def resolve_device(name: str) -> torch.device:
    """Find the device for a setting.

    Args:
        name: "auto" for CUDA, else MPS, else the CPU; or a PyTorch device string.

    Raises:
        ValueError: If the name is not a device, or this machine has no such device.
    """
    if name == "auto":
        return torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
        if not torch.amp.is_autocast_available(device.type):
            raise RuntimeError("a kind that gnl does not support")
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"cannot compute on device {quote(name)} ({shorten(reason)}); use auto or cpu") from None
    return device

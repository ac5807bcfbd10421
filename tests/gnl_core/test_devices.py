from __future__ import annotations

import pytest
import torch

from gnl_core.devices import resolve_device


def test_a_device_is_found_by_name():
    assert resolve_device("cpu") == torch.device("cpu")


def test_auto_uses_an_accelerator_if_there_is_one():
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    assert resolve_device("auto").type == (accelerator or torch.device("cpu")).type


@pytest.mark.parametrize("name", ["toaster", "", "cpu:x", "cuda:99", "mps:99", "xpu:99"])
def test_a_missing_device_is_refused_in_one_sentence(name: str):
    with pytest.raises(ValueError, match=f"cannot compute on device '{name}'.*use auto or cpu") as refusal:
        resolve_device(name)
    assert "\n" not in str(refusal.value)

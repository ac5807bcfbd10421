"""Matrix products on the CPU by oneDNN, which also computes its convolutions.

PyTorch's own products are MKL's, which reach half of the peak on AMD's processors.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

SMALLEST_LEARNT = 128  # rows; oneDNN's gradients of fewer rows are slower


def multiply(rows: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Compute the product of each row with each row of a weight, as `torch.nn.functional.linear` does.

    Args:
        rows: Shape (M, K).
        weight: Shape (N, K); fastest if each of its rows lies together in memory.
        bias: What is added to each row of products, shape (N,); None for nothing.

    Returns:
        Products, shape (M, N).
    """
    if not multiplies_in_onednn(rows, weight):
        return F.linear(rows, weight, bias)
    products: Tensor = Product.apply(rows, weight)
    return products if bias is None else products.add_(bias)


class Product(torch.autograd.Function):
    """A product by oneDNN that keeps no copy of the rows for its gradients, as PyTorch's own would."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, weight: Tensor) -> Tensor:
        """Multiply each row of (M, K) with each row of (N, K)."""
        ctx.save_for_backward(rows, weight)
        return multiply_in_onednn(rows, weight)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Compute the gradients that are asked for, from that of the products, shape (M, N)."""
        rows, weight = ctx.saved_tensors
        of_rows, of_weight = ctx.needs_input_grad
        return (
            multiply_in_onednn(gradient, weight.t()) if of_rows else None,
            multiply_in_onednn(gradient.t(), rows.t()) if of_weight else None,
        )


def multiply_in_onednn(rows: Tensor, weight: Tensor) -> Tensor:
    """Multiply as `multiply` does, by oneDNN's own layer."""
    return F.linear(rows.to_mkldnn(), weight).to_dense()


def multiplies_in_onednn(rows: Tensor, weight: Tensor) -> bool:
    """Whether oneDNN can multiply, and is faster; not in a traced graph or under autocast."""
    learns = torch.is_grad_enabled() and (rows.requires_grad or weight.requires_grad)
    return (
        torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        and rows.device.type == "cpu"
        and rows.dtype == weight.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
        and not (learns and len(rows) < SMALLEST_LEARNT)
    )

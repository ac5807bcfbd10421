"""Training objectives, as pure functions of feature maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

SMALLEST_NORM = 1e-8  # of a product of norms: all-zero features have distance 1 from any others


def cosine_distance(reference: Tensor, candidate: Tensor) -> Tensor:
    """Cosine distance of whole, flattened feature maps, averaged over the batch.

    The `loss` of the paper's Algorithm 1: 1 - cos(reference, candidate), image by image.

    Args:
        reference: Feature maps, shape (B, C, H, W).
        candidate: Feature maps of the same shape.

    Returns:
        Scalar in [0, 2]: 0 for parallel features, 2 for opposite ones.

    Raises:
        ValueError: If the shapes differ.
    """
    if reference.shape != candidate.shape:
        raise ValueError(
            f"feature maps must have the same shape, got {tuple(reference.shape)} and {tuple(candidate.shape)}"
        )
    return 1 - cosines(reference, candidate).mean()


def cosines(first: Tensor, second: Tensor) -> Tensor:
    """Compute the cosine of the angle between flattened feature maps, image by image.

    It is computed in 32 bits even for features in 16 bits, which resolve cosines near 1 only to hundredths.

    Args:
        first: Feature maps, shape (B, C, H, W).
        second: Feature maps of the same shape.

    Returns:
        In [-1, 1], shape (B,).
    """
    return Cosines.apply(flatten_maps(first).float(), flatten_maps(second).float())


class Cosines(torch.autograd.Function):
    """Cosines of pairs of rows.

    PyTorch's `cosine_similarity` computes the same, but it and its gradient make a dozen copies of their input, which
    can be whole maps of a batch, and that costs more than the arithmetic. This function makes no copy forward and one
    for each gradient.
    """

    @staticmethod
    def forward(ctx: Any, first: Tensor, second: Tensor) -> Tensor:
        """Compute the cosines of the rows of two matrices of shape (B, N); shape (B,)."""
        squares = torch.stack([row_products(first, first), row_products(second, second)])
        norms = squares.sqrt().prod(dim=0).clamp_min(SMALLEST_NORM)
        cosine = row_products(first, second) / norms
        ctx.save_for_backward(first, second, squares.clamp_min(SMALLEST_NORM**2), norms, cosine)
        return cosine

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Compute the gradient for each row a, with b its partner: ``slope * (b / (|a| |b|) - cosine * a / |a|²)``."""
        first, second, squares, norms, cosine = ctx.saved_tensors
        toward, back = slope / norms, -slope * cosine / squares
        return (
            combine_rows(toward, second, back[0], first) if ctx.needs_input_grad[0] else None,
            combine_rows(toward, first, back[1], second) if ctx.needs_input_grad[1] else None,
        )


def combine_rows(weight: Tensor, rows: Tensor, other_weight: Tensor, others: Tensor) -> Tensor:
    """Add two matrices of shape (B, N), each scaled by one weight per row, of shape (B,)."""
    return (weight[:, None] * rows).addcmul_(other_weight[:, None], others)


def row_products(first: Tensor, second: Tensor) -> Tensor:
    """Compute the inner products of the rows of two matrices of shape (B, N) without copies; shape (B,).

    Unlike PyTorch's `vecdot`, `dot` stays in 32 bits under autocast.
    """
    return torch.stack([torch.dot(*pair) for pair in zip(first, second, strict=True)])


def flatten_maps(maps: Tensor) -> Tensor:
    """Flatten feature maps (B, C, H, W) to one row per image, channels innermost, which is their layout in memory."""
    return maps.movedim(1, -1).flatten(1)


def distillation_loss(teacher: Sequence[Tensor], student: Sequence[Tensor]) -> Tensor:
    """Sum of the stages' cosine distances (Algorithm 1, loss_ori).

    Args:
        teacher: Stage maps E_k, shapes (B, C_k, H_k, W_k).
        student: Reconstructed maps D_k of the same shapes.

    Returns:
        Scalar in [0, 2 * number of stages].
    """
    return torch.stack([cosine_distance(e, d) for e, d in zip(teacher, student, strict=True)]).sum()


def invariance_loss(original: Tensor, views: Sequence[Tensor]) -> Tensor:
    """Mean cosine distance of augmented views from the original (Algorithm 1, losses_abs and losses_lowf).

    Args:
        original: Feature maps of the original images, shape (B, C, H, W).
        views: The same features of each augmented view, of the same shape.

    Returns:
        Scalar in [0, 2].

    Raises:
        ValueError: If `views` is empty.
    """
    if not views:
        raise ValueError("an invariance loss needs at least one augmented view, got none; pass the features of a view")
    return torch.stack([cosine_distance(original, view) for view in views]).mean()


def value_distance(teacher: Sequence[Tensor], student: Sequence[Tensor]) -> Tensor:
    """Mean squared difference of the stage maps, summed over the stages: KDAD's value loss.

    Args:
        teacher: Stage maps, shapes (B, C_k, H_k, W_k).
        student: The maps that imitate them, of the same shapes.

    Returns:
        One distance per image, shape (B,); 0 for equal maps.
    """
    return torch.stack([(e - d).square().flatten(1).mean(dim=1) for e, d in zip(teacher, student, strict=True)]).sum(0)


def direction_distance(teacher: Sequence[Tensor], student: Sequence[Tensor]) -> Tensor:
    """Cosine distance of whole, flattened stage maps, summed over the stages: KDAD's direction loss.

    Args:
        teacher: Stage maps, shapes (B, C_k, H_k, W_k).
        student: The maps that imitate them, of the same shapes.

    Returns:
        One distance per image in [0, 2 * number of stages], shape (B,); 0 for parallel maps.
    """
    return torch.stack([1 - cosines(e, d) for e, d in zip(teacher, student, strict=True)]).sum(0)

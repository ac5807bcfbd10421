"""BatchNorm folded into the convolution before it: a network in eval mode gives the same values in fewer passes."""

from __future__ import annotations

from itertools import pairwise

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fold_batchnorm(module: nn.Module) -> None:
    """Fold each BatchNorm that is registered right behind a convolution into it, in place and all through the tree.

    The network can be scored with and neither trained nor saved from then on: its tensors are others.

    Args:
        module: A network in eval mode in which a BatchNorm behind a convolution is also called on its output.
    """
    children = list(module.named_children())
    for (name, before), (next_name, after) in pairwise(children):
        if isinstance(before, nn.Conv2d | nn.ConvTranspose2d) and isinstance(after, nn.BatchNorm2d):
            folded = fuse_conv_bn_eval(before, after, transpose=isinstance(before, nn.ConvTranspose2d))
            setattr(module, name, folded)
            setattr(module, next_name, activation_of(after))
    for _, child in children:
        fold_batchnorm(child)


def activation_of(norm: nn.BatchNorm2d) -> nn.Module:
    """What a BatchNorm does beside normalising: timm's own have an activation within."""
    activation = getattr(norm, "act", None)
    return activation if isinstance(activation, nn.Module) else nn.Identity().eval()

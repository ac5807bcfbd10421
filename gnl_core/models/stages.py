"""The forms of a teacher's stages: plain modules, thirds of a vision transformer, or a network that is not cut."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn


class StageOutput(NamedTuple):
    """What a stage passes on to the next one.

    Attributes:
        features: The stage's map, shape (B, C_k, H_k, W_k), which matching may change in between; at first, the image.
        carried: Tensors that accompany the map and are never changed: a transformer's class and register tokens.
    """

    features: Tensor
    carried: tuple[Tensor, ...] = ()


class CarryingStage(nn.Module):
    """A stage that reads and passes on more than a map. All other stages are modules from map to map."""

    def forward(self, before: StageOutput) -> StageOutput:
        """Compute the stage's output from that of the stage before."""
        raise NotImplementedError


class TokenStart(CarryingStage):
    """The first blocks of a vision transformer, from the image to a map of its patches' tokens.

    Args:
        transformer: A transformer of timm that ends with these blocks.
    """

    def __init__(self, transformer: nn.Module) -> None:
        super().__init__()
        self.transformer: Any = transformer

    def forward(self, before: StageOutput) -> StageOutput:
        """Embed the patches of images, shape (B, 3, H, W), and apply the blocks."""
        images = before.features
        tokens = self.transformer.forward_features(images)
        size = self.transformer.patch_embed.dynamic_feat_size(images.shape[-2:])
        return split_tokens(tokens, prefix=self.transformer.num_prefix_tokens, size=size)


class TokenBlocks(CarryingStage):
    """Later blocks of a vision transformer, from map to map; class and register tokens are carried along.

    Args:
        blocks: The blocks.
        first: Position of the first of them in the transformer.
        rope: Computes rotary position embeddings for the blocks; None for a transformer without them.
        differ: Whether each block of the transformer has a rotary embedding of its own.
    """

    def __init__(self, blocks: Iterable[nn.Module], *, first: int, rope: nn.Module | None, differ: bool) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.rope: Any = rope
        self.first, self.differ = first, differ

    def forward(self, before: StageOutput) -> StageOutput:
        """Apply the blocks to the carried tokens and those of the map."""
        (prefix,) = before.carried
        size = before.features.shape[-2:]
        tokens = torch.cat([prefix, before.features.flatten(2).transpose(1, 2)], dim=1)
        for block, position in zip(self.blocks, self.positions(size), strict=True):
            tokens = block(tokens) if position is None else block(tokens, rope=position)
        return split_tokens(tokens, prefix=prefix.shape[1], size=size)

    def positions(self, size: Sequence[int]) -> list[Tensor | None]:
        """Compute the rotary position embedding that each block reads, for a map of a size."""
        if self.rope is None:
            return [None] * len(self.blocks)
        embedding = self.rope.get_embed(shape=list(size))
        return [embedding[self.first + i] if self.differ else embedding for i in range(len(self.blocks))]


def split_tokens(tokens: Tensor, *, prefix: int, size: Sequence[int]) -> StageOutput:
    """Split tokens, shape (B, N, C), into those before the patches, and a map of the patches' tokens."""
    count, _, channels = tokens.shape
    features = tokens[:, prefix:].reshape(count, *size, channels).permute(0, 3, 1, 2)
    return StageOutput(features, (tokens[:, :prefix],))


class WholeNetwork(CarryingStage):
    """A network that computes all three maps at once, as timm does, because it is no chain of stages.

    Args:
        network: A model of timm.
        levels: Position of each map in timm's list of the model's feature maps.
    """

    def __init__(self, network: nn.Module, levels: Sequence[int]) -> None:
        super().__init__()
        self.network: Any = network
        self.levels = list(levels)

    def forward(self, before: StageOutput) -> StageOutput:
        """Compute the three maps of images, shape (B, 3, H, W); pass on the first and carry the others."""
        first, *others = self.network.forward_intermediates(
            before.features, indices=self.levels, stop_early=True, intermediates_only=True
        )
        return StageOutput(first, tuple(others))


class NextMap(CarryingStage):
    """The stages of a network that is not cut: each passes on the next of the maps that the first has computed."""

    def forward(self, before: StageOutput) -> StageOutput:
        """Pass on the first of the carried maps."""
        return StageOutput(before.carried[0], before.carried[1:])


def run_stage(stage: nn.Module, before: StageOutput) -> StageOutput:
    """Compute the output of any stage from that of the stage before."""
    return stage(before) if isinstance(stage, CarryingStage) else StageOutput(stage(before.features))


def run_stages(stages: Iterable[nn.Module], image: Tensor) -> list[Tensor]:
    """Compute the stage maps of normalised images."""
    output, maps = StageOutput(image), []
    for stage in stages:
        output = run_stage(stage, output)
        maps.append(output.features)
    return maps

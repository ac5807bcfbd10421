"""Random draws for style mixing in training: stages, partners and shares."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Beta

from gnl_core.config import RunConfig, stage_indices
from gnl_core.distribution_matching import Mixing
from gnl_core.models.teachers import Mix


def draw_mix(mixing: Mixing, config: RunConfig) -> Mix:
    """Build the function that mixes styles in each stage's map of a training batch.

    After each mixed stage, a random draw decides whether to mix. If so, each image gets a partner from the
    shuffled batch, and its own share is drawn from a Beta distribution, as in
    MixStyle (Zhou et al., ICLR 2021, section 3) and EFDMix (Zhang et al., CVPR 2022, section 3.2).
    The draws come from PyTorch's global generator, which the training loop seeds.
    """
    mixed = stage_indices(config.mixed_stages)
    shares = Beta(torch.tensor(config.mixing_beta), torch.tensor(config.mixing_beta))

    def mix(index: int, stage: Tensor) -> Tensor:
        if index not in mixed or torch.rand(()) >= config.mixing_probability:
            return stage
        partner = stage[torch.randperm(len(stage)).to(stage.device)]
        return mixing(stage, partner, own_share=shares.sample((len(stage),)).to(stage))

    return mix

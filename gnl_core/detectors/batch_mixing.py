"""Random draws of style mixing in training: which stages, which partners, how much."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Beta

from gnl_core.config import RunConfig, stage_indices
from gnl_core.distribution_matching import Mixing
from gnl_core.models.teachers import Mix


def draw_mix(mixing: Mixing, config: RunConfig) -> Mix:
    """What happens to each stage's map of a training batch on its way through the teacher.

    Behind each of the mixed stages a coin decides whether anything does; if so, every image has its
    partner in the shuffled batch and a share of its own drawn from a Beta distribution, as in
    MixStyle (Zhou et al., ICLR 2021, section 3) and EFDMix (Zhang et al., CVPR 2022, section 3.2).
    The draws are PyTorch's global generator's, which the training loop seeds.
    """
    mixed = stage_indices(config.mixed_stages)
    shares = Beta(torch.tensor(config.mixing_beta), torch.tensor(config.mixing_beta))

    def mix(index: int, stage: Tensor) -> Tensor:
        if index not in mixed or torch.rand(()) >= config.mixing_probability:
            return stage
        partner = stage[torch.randperm(len(stage)).to(stage.device)]
        return mixing(stage, partner, own_share=shares.sample((len(stage),)).to(stage))

    return mix

"""RD4AD with mixed styles: MixStyle (Zhou et al., ICLR 2021) or EFDMix (Zhang et al., CVPR 2022)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from pydantic import Field
from torch import Tensor
from torch.distributions import Beta

from gnl_core.config import MethodSettings, RunConfig
from gnl_core.config.values import Stages, stage_indices
from gnl_core.detectors.rd4ad import RD4AD
from gnl_core.distribution_matching import Mixing
from gnl_core.models.teachers import Mix, check_is_cut
from gnl_core.records import Batch, Features


class MixingSettings(MethodSettings):
    """Where and how often styles are mixed, and how strongly."""

    mixed_stages: Stages = Field("1,2,3", description="Stages of the teacher behind which styles are mixed")
    mixing_probability: float = Field(
        0.5, ge=0, le=1, description="Probability that a training step mixes behind such a stage"
    )
    mixing_beta: float = Field(
        0.1, gt=0, description="Both parameters of the Beta distribution of the share that an image keeps of its style"
    )


class RD4ADMixing(RD4AD):
    """Reverse distillation of maps whose styles are mixed among the images of a training batch.

    Args:
        config: The run's settings.
        mixing: Mixes the styles of two maps.
    """

    settings_type = MixingSettings

    def __init__(self, config: RunConfig, *, mixing: Mixing) -> None:
        super().__init__(config)
        teacher = self.network.teacher
        check_is_cut(teacher, purpose="styles cannot be mixed behind a stage", remedy="use a method without mixing")
        self.settings = config.method_settings(MixingSettings)
        self.mixing = mixing

    def cache_fixed_views(self, batches: Iterable[Batch]) -> Iterator[Tensor]:
        """Yield each original image; nothing is cached, because mixed maps differ in each step."""
        for batch in batches:
            yield from batch.views["original"]

    def reconstruct(self, batch: Batch, view: str) -> Features:
        """Encode one view of a batch with mixed styles and rebuild it.

        The mixed maps serve as the bottleneck's input and as the teacher's side of the comparison.
        """
        return self.network(self.network.teacher(batch.views[view], draw_mix(self.mixing, self.settings)))


def draw_mix(mixing: Mixing, settings: MixingSettings) -> Mix:
    """Build the function that mixes styles in each stage's map of a training batch.

    After each mixed stage, a random draw decides whether to mix. If so, each image gets a partner from the
    shuffled batch, and its own share is drawn from a Beta distribution, as in
    MixStyle (section 3) and EFDMix (section 3.2).
    The draws come from PyTorch's global generator, which the training loop seeds.
    """
    mixed = stage_indices(settings.mixed_stages)
    shares = Beta(torch.tensor(settings.mixing_beta), torch.tensor(settings.mixing_beta))

    def mix(index: int, stage: Tensor) -> Tensor:
        if index not in mixed or torch.rand(()) >= settings.mixing_probability:
            return stage
        partner = stage[torch.randperm(len(stage)).to(stage.device)]
        return mixing(stage, partner, own_share=shares.sample((len(stage),)).to(stage))

    return mix

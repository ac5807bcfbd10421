"""PatchCore (Roth et al., CVPR 2022): distances of patch features to a coreset; a baseline without training."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from gnl_core.anomaly_map import image_score, smooth
from gnl_core.cells import CellGrid, enlarge
from gnl_core.config import MethodSettings, RunConfig, ScoringConfig
from gnl_core.coreset import Candidates, draw_coreset
from gnl_core.detectors.bank import BankDetector
from gnl_core.detectors.base import load_teacher
from gnl_core.detectors.references import References, pass_originals
from gnl_core.models.bottleneck import map_size
from gnl_core.models.teachers import Mix
from gnl_core.neighbours import nearest_neighbour, neighbours
from gnl_core.records import Batch, Detection

PATCH_STAGE = 1  # index of the stage whose cells are the patches
NEIGHBOURHOOD = 3  # side of the square of positions over which a patch feature is averaged


class PatchCoreSettings(MethodSettings):
    """The size of the coreset, and the neighbours that reweight the score."""

    coreset_percent: float = Field(
        10.0, gt=0, le=100, description="Share of the patches that the coreset keeps, percent"
    )
    coreset_candidates: int = Field(
        50_000,
        ge=1,
        le=10**8,
        description="Largest number of patches that enter the selection; more are sampled down to it",
    )
    reweighting_neighbours: int = Field(
        9, ge=1, le=10**6, description="Number of neighbours used to reweight the score; 1 disables it"
    )


class PatchCore(BankDetector):
    """Score a patch by its distance to the nearest patch in a coreset of the training images' patches.

    With matching, the test image's features are matched on their way through the teacher; the bank
    holds the training images' features unmatched.
    """

    settings_type = PatchCoreSettings

    def __init__(self, config: RunConfig) -> None:
        super().__init__()
        self.seed = config.seed
        self.settings = config.method_settings(PatchCoreSettings)
        self.teacher = load_teacher(config)
        self.references = References(self.teacher, config)
        self.matches = self.references.can_match
        self.register_buffer("bank", torch.zeros(0, sum(self.teacher.channels[1:])))

    def prepare(self, batches: Iterable[Batch]) -> None:
        """Store a coreset of the training images' patch features, and the references."""
        generator = torch.Generator().manual_seed(self.seed)
        candidates = Candidates(limit=self.settings.coreset_candidates, generator=generator)
        originals = pass_originals(batches, look=lambda images: candidates.add(rows_of(self.patch_features(images))))
        self.references.fill(self.teacher, originals)
        percent = self.settings.coreset_percent
        self.bank = draw_coreset(candidates.features(), percent=percent, generator=generator)

    def forward(self, images: Tensor, scoring: ScoringConfig) -> Detection:
        """Score by the farthest patch, reweighted (section 3.3); the map holds each patch's distance.

        The score comes from the patches; smoothing only changes the map.
        """
        features = self.matched_features(images, scoring)
        patches = rows_of(features)
        distances, nearest = nearest_neighbour(patches, self.bank)
        patch_map = distances.view(-1, 1, *map_size(features))
        farthest = farthest_patches(patch_map)
        weight = rarity_weight(
            patches[farthest], self.bank, nearest[farthest], count=self.settings.reweighting_neighbours
        )
        score = image_score(patch_map, reduction=scoring.reduction, top_percent=scoring.top_percent)
        size = map_size(images)
        enlarged = enlarge(patch_map, size=size, grid=self.teacher.cell_grids(size)[PATCH_STAGE])
        return Detection(score=weight * score, anomaly_map=smooth(enlarged, sigma_px=scoring.smoothing_sigma_px))

    def bank_rows(self, images: Tensor, scoring: ScoringConfig) -> Tensor:
        """Compute the feature of each patch, shape (B * H_2 * W_2, D)."""
        return rows_of(self.matched_features(images, scoring))

    def matched_features(self, images: Tensor, scoring: ScoringConfig) -> Tensor:
        """Compute the feature of each patch, matched as the scoring says, shape (B, D, H_2, W_2)."""
        return self.patch_features(images, self.references.matching(scoring, own_weight=self.style_weight))

    def patch_features(self, images: Tensor, mix: Mix | None = None) -> Tensor:
        """Compute the feature of each patch, shape (B, D, H_2, W_2)."""
        return patch_features(self.teacher(images, mix), grids=self.teacher.cell_grids(map_size(images)))


def patch_features(maps: Sequence[Tensor], *, grids: Sequence[CellGrid]) -> Tensor:
    """Average stages 2 and 3 over neighbourhoods, bring stage 3 to stage 2's cells, and concatenate their channels.

    Args:
        maps: The teacher's three stage maps, shapes (B, C_k, H_k, W_k).
        grids: Positions of the cells of each map.

    Returns:
        Shape (B, C_2 + C_3, H_2, W_2).
    """
    _, middle, high = (average_neighbourhoods(stage) for stage in maps)
    _, finer, coarser = grids
    return torch.cat([middle, enlarge(high, size=map_size(middle), grid=coarser.within(finer))], dim=1)


def average_neighbourhoods(features: Tensor) -> Tensor:
    """Average over the 3x3 positions around each position; at the border, over those inside the map."""
    return F.avg_pool2d(features, NEIGHBOURHOOD, stride=1, padding=NEIGHBOURHOOD // 2, count_include_pad=False)


def rows_of(features: Tensor) -> Tensor:
    """Turn feature maps (B, C, H, W) into one row per position, shape (B * H * W, C), image by image."""
    return features.permute(0, 2, 3, 1).flatten(0, 2)


def farthest_patches(patch_map: Tensor) -> Tensor:
    """Find the row of each image's largest distance among the patches of all images, shape (B,)."""
    flat = patch_map.flatten(1)
    starts = torch.arange(flat.shape[0], device=flat.device) * flat.shape[1]
    return starts + flat.argmax(dim=1)


def rarity_weight(patches: Tensor, bank: Tensor, nearest: Tensor, *, count: int) -> Tensor:
    """Weight a patch by its distance to the neighbours of its nearest bank feature, relative to that feature (Eq. 7).

    With m* the bank feature nearest to the patch and N the bank features nearest to m*, including m* itself,
    the weight is 1 - exp|patch - m*| / (sum over m in N of exp|patch - m|). It is close to 1 where N is
    far from the patch: m* is then rare itself, so a small distance to it says little.

    Args:
        patches: One patch per image, shape (B, D).
        bank: Features of the coreset, shape (N, D).
        nearest: Row of m* in the bank, shape (B,).
        count: Number of features in N.

    Returns:
        Weights in [0, 1), shape (B,); 1 if N is only m*, with nothing to compare.
    """
    distances, around = neighbours(bank[nearest], bank, count=count)
    if distances.shape[1] == 1:
        return torch.ones_like(distances[:, 0])
    own = (patches - bank[nearest]).norm(dim=1)
    surroundings = (patches[:, None] - bank[around]).norm(dim=2)
    return 1 - (own - surroundings.logsumexp(dim=1)).exp()

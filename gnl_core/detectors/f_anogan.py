"""f-AnoGAN: fast unsupervised anomaly detection with generative adversarial networks (Schlegl et al., 2019)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor
from torch.optim import Adam, Optimizer

from gnl_core.anomaly_map import smooth
from gnl_core.config import MethodSettings, RunConfig, ScoringConfig
from gnl_core.detectors.base import Detector
from gnl_core.models.wgan import LATENT_SIZE, Critic, Encoder, Generator, gradient_penalty
from gnl_core.records import Batch, Detection

ADVERSARIAL_SHARE = 0.5  # of the training; the encoder learns in the rest
CRITIC_STEPS = 5  # per generator step (WGAN-GP, Algorithm 1)
PENALTY_WEIGHT = 10.0  # WGAN-GP's lambda
GAN_BETAS = (0.0, 0.9)  # WGAN-GP, Algorithm 1
SMALL_SIDE_PX, LARGE_SIDE_PX = 32, 64


class FAnoGANSettings(MethodSettings):
    """The weight of one residual beside the other."""

    anogan_feature_weight: float = Field(
        1.0, ge=0, description="Weight of the feature residual relative to the image residual"
    )


class FAnoGAN(Detector):
    """A generator that learns to make normal images, and then an encoder that learns to map images to latent vectors.

    Images that the generator cannot reproduce are anomalous. The networks work at 32 px if a side of the training
    images is below 64 px, else at 64 px, the paper's size; images are resized to it, and maps back. It has no teacher.
    """

    settings_type = FAnoGANSettings
    learning_rate = 0.001  # WGAN-GP's 0.0001 suits far longer trainings
    adversarial_losses = ("critic", "generator", "gradient_penalty")

    def __init__(self, config: RunConfig) -> None:
        super().__init__()
        self.side = SMALL_SIDE_PX if min(config.input_size) < LARGE_SIDE_PX else LARGE_SIDE_PX
        self.feature_weight = config.method_settings(FAnoGANSettings).anogan_feature_weight
        self.generator = Generator(self.side)
        self.critic = Critic(self.side)
        self.encoder = Encoder(self.side)

    def optimizers(self, learning_rate: float) -> list[Optimizer]:
        """Create Adam optimizers for critic, generator and encoder, in this order."""
        gan = [Adam(part.parameters(), lr=learning_rate, betas=GAN_BETAS) for part in (self.critic, self.generator)]
        return [*gan, Adam(self.encoder.parameters(), lr=learning_rate)]

    def training_step(self, batch: Batch, optimizers: Sequence[Optimizer], *, progress: float) -> dict[str, float]:
        """Train critic and generator in the first half of the training, the encoder in the second."""
        images = self.rescale(batch.views["original"])
        critic, generator, encoder = optimizers
        if progress >= ADVERSARIAL_SHARE:
            return self.encoder_step(batch, encoder)
        for _ in range(CRITIC_STEPS):
            terms = self.critic_losses(images)
            descend(terms, critic, self.critic)
        distance = {"generator": -self.critic(self.generate(len(images), images.device)).mean()}
        descend(distance, generator, self.generator)
        return {name: term.item() for name, term in (terms | distance).items()}

    def encoder_step(self, batch: Batch, optimizer: Optimizer) -> dict[str, float]:
        """Train the encoder for one step; the generator is in eval mode, as in scoring, and does not learn."""
        self.generator.eval()
        terms = self.losses(batch)
        descend(terms, optimizer, self.encoder)
        return {name: term.item() for name, term in terms.items()}

    def critic_losses(self, real: Tensor) -> dict[str, Tensor]:
        """Compute the critic's objective (WGAN-GP, Eq. 3): negative Wasserstein distance and gradient penalty."""
        with torch.no_grad():
            generated = self.generate(len(real), real.device)
        shares = torch.rand(len(real), 1, 1, 1).to(real.device)
        penalty = gradient_penalty(self.critic, real, generated, shares=shares)
        return {
            "critic": self.critic(generated).mean() - self.critic(real).mean(),
            "gradient_penalty": PENALTY_WEIGHT * penalty,
        }

    def generate(self, count: int, device: torch.device) -> Tensor:
        """Generate images from latent vectors drawn from the standard normal distribution."""
        return self.generator(torch.randn(count, LATENT_SIZE).to(device))

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Compute the encoder's objective, izi_f: both residuals, averaged over the batch."""
        images = self.rescale(batch.views["original"])
        image, feature = self.residuals(images, self.generator(self.encoder(images)))
        return {"image_residual": image.mean(), "feature_residual": self.feature_weight * feature.mean()}

    def residuals(self, images: Tensor, rebuilt: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the mean squared difference of the pixels and of the critic's features, shape (B,) each."""
        features = self.critic.features(images) - self.critic.features(rebuilt)
        return (images - rebuilt).square().mean(dim=(1, 2, 3)), features.square().mean(dim=1)

    def rescale(self, images: Tensor) -> Tensor:
        """Resize images in [0, 1] to the networks' size and scale them to [-1, 1]."""
        return 2 * resize(images, (self.side, self.side)) - 1

    def embed(self, images: Tensor, scoring: ScoringConfig) -> Tensor:
        """Map each image to its latent vector, shape (B, 128)."""
        return self.encoder(self.rescale(images))

    def forward(self, images: Tensor, scoring: ScoringConfig) -> Detection:
        """Score by the weighted residuals; the map is the absolute difference of the pixels, smoothed."""
        small = self.rescale(images)
        rebuilt = self.generator(self.encoder(small))
        image, feature = self.residuals(small, rebuilt)
        height, width = images.shape[-2:]
        difference = resize((small - rebuilt).abs().mean(dim=1, keepdim=True), (height, width))
        smoothed = smooth(difference, sigma_px=scoring.smoothing_sigma_px)
        return Detection(score=image + self.feature_weight * feature, anomaly_map=smoothed)


def descend(terms: dict[str, Tensor], optimizer: Optimizer, network: torch.nn.Module) -> None:
    """Train one network for one step on the sum of the terms; the others' weights get no gradients."""
    optimizer.zero_grad(set_to_none=True)
    torch.stack(list(terms.values())).sum().backward(inputs=list(network.parameters()))  # type: ignore[no-untyped-call]
    optimizer.step()


def resize(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize images bilinearly; shrinking averages pixels (antialiasing)."""
    return F.interpolate(images, size=size, mode="bilinear", align_corners=False, antialias=True)

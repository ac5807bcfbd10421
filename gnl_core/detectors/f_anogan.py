"""f-AnoGAN: fast unsupervised anomaly detection with generative adversarial networks (Schlegl et al., 2019)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim import Adam, Optimizer

from gnl_core.anomaly_map import smooth
from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.detectors.base import Detector
from gnl_core.models.wgan import LATENT_SIZE, Critic, Encoder, Generator, gradient_penalty
from gnl_core.records import Batch, Detection

ADVERSARIAL_SHARE = 0.5  # of the training; the encoder has the rest
CRITIC_STEPS = 5  # for each of the generator's (WGAN-GP, Algorithm 1)
PENALTY_WEIGHT = 10.0  # WGAN-GP's lambda
GAN_BETAS = (0.0, 0.9)  # WGAN-GP, Algorithm 1
SMALL_SIDE_PX, LARGE_SIDE_PX = 32, 64


class FAnoGAN(Detector):
    """A generator learns to make normal images, then an encoder to find the latent vector of each.

    What the generator cannot make again is anomalous. It works at 32 px where a side of the training images
    is below 64 px, else at 64 px, the paper's size; images are brought there and maps back. It has no teacher.
    """

    learning_rate = 0.001  # WGAN-GP's 0.0001 is for far longer trainings
    adversarial_losses = ("critic", "generator", "gradient_penalty")

    def __init__(self, config: RunConfig) -> None:
        super().__init__()
        self.side = SMALL_SIDE_PX if min(config.image_size) < LARGE_SIDE_PX else LARGE_SIDE_PX
        self.feature_weight = config.anogan_feature_weight
        self.generator = Generator(self.side)
        self.critic = Critic(self.side)
        self.encoder = Encoder(self.side)

    def optimizers(self, learning_rate: float) -> list[Optimizer]:
        """One for the critic, one for the generator, one for the encoder."""
        gan = [Adam(part.parameters(), lr=learning_rate, betas=GAN_BETAS) for part in (self.critic, self.generator)]
        return [*gan, Adam(self.encoder.parameters(), lr=learning_rate)]

    def training_step(self, batch: Batch, optimizers: Sequence[Optimizer], *, progress: float) -> dict[str, float]:
        """In the first half of the training the critic's and the generator's steps, in the second the encoder's."""
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
        """One step of the encoder; the generator makes what it would make in scoring, and stays as it is."""
        self.generator.eval()
        terms = self.losses(batch)
        descend(terms, optimizer, self.encoder)
        return {name: term.item() for name, term in terms.items()}

    def critic_losses(self, real: Tensor) -> dict[str, Tensor]:
        """The critic's objective (WGAN-GP, Eq. 3): negative Wasserstein distance and weighted gradient penalty."""
        with torch.no_grad():
            generated = self.generate(len(real), real.device)
        shares = torch.rand(len(real), 1, 1, 1).to(real.device)
        penalty = gradient_penalty(self.critic, real, generated, shares=shares)
        return {
            "critic": self.critic(generated).mean() - self.critic(real).mean(),
            "gradient_penalty": PENALTY_WEIGHT * penalty,
        }

    def generate(self, count: int, device: torch.device) -> Tensor:
        """Images of latent vectors drawn from the standard normal distribution."""
        return self.generator(torch.randn(count, LATENT_SIZE).to(device))

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """The encoder's objective: the izi_f residuals' means over the batch."""
        images = self.rescale(batch.views["original"])
        image, feature = self.residuals(images, self.generator(self.encoder(images)))
        return {"image_residual": image.mean(), "feature_residual": self.feature_weight * feature.mean()}

    def residuals(self, images: Tensor, rebuilt: Tensor) -> tuple[Tensor, Tensor]:
        """Mean squared difference of pixels, and of the critic's features, each (B,)."""
        features = self.critic.features(images) - self.critic.features(rebuilt)
        return (images - rebuilt).square().mean(dim=(1, 2, 3)), features.square().mean(dim=1)

    def rescale(self, images: Tensor) -> Tensor:
        """Bring images in [0, 1] to the networks' size and to [-1, 1]."""
        return 2 * resize(images, (self.side, self.side)) - 1

    def forward(self, images: Tensor, scoring: ScoringConfig) -> Detection:
        """Score by the weighted residuals; the map is the absolute difference of the pixels."""
        small = self.rescale(images)
        rebuilt = self.generator(self.encoder(small))
        image, feature = self.residuals(small, rebuilt)
        height, width = images.shape[-2:]
        difference = resize((small - rebuilt).abs().mean(dim=1, keepdim=True), (height, width))
        smoothed = smooth(difference, sigma_px=scoring.smoothing_sigma_px)
        return Detection(score=image + self.feature_weight * feature, anomaly_map=smoothed)


def descend(terms: dict[str, Tensor], optimizer: Optimizer, network: torch.nn.Module) -> None:
    """One step of one network on the sum of the terms; the others' weights get no gradients."""
    optimizer.zero_grad(set_to_none=True)
    torch.stack(list(terms.values())).sum().backward(inputs=list(network.parameters()))  # type: ignore[no-untyped-call]
    optimizer.step()


def resize(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Bring images to a size bilinearly; where they shrink, pixels are averaged."""
    return F.interpolate(images, size=size, mode="bilinear", align_corners=False, antialias=True)

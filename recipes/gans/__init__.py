"""Generative adversarial nets: models of images, learnt against a discriminator."""

from .adversarial_model import AdversarialModel

__all__ = ["AdversarialModel"]

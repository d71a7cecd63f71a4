"""Generative adversarial nets: models of images, learnt against a discriminator."""

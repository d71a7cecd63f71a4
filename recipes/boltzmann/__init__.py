"""Boltzmann machines: models of the probability of an image, learnt by sampling."""

"""Networks that reconstruct their input through a code."""

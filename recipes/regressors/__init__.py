"""Models that predict real numbers."""

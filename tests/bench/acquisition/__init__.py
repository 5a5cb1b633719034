"""Section `acquisition`: CPU per sample, scale, slow equipment, time to BAD."""

GATEWAY = "610581-bench"

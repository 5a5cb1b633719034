"""Acquisition: the fixed time grid, the owner of a line, and how far each value may be trusted."""

"""The loop around the engine's one step."""

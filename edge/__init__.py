"""The gateway at a plant."""

"""Real protocols in front of a simulated plant, and the runner that drives it in real time."""

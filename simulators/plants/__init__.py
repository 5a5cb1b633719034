"""Plants in a box: physics and program of each simulated plant.  Pure."""

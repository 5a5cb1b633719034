"""Laws of the simulated plants, one element a file; constants come from variants.  Pure."""

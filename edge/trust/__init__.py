"""Keys, and whether the clock can be believed.  Pure."""

"""The simulated controller: its states, its program, the image that its servers show.  Pure."""

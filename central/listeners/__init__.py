"""The doors of the centre: who may come in, and by which one.  Pure."""

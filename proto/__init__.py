"""The shared language of edge, centre and simulators.  Pure."""

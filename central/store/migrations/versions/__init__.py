"""The scripts, in order.  Pure."""

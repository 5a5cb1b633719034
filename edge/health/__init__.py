"""The state of every part as one value.  Pure."""

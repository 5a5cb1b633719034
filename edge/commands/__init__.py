"""Each command of the gateway in a file of its own.  Pure."""

"""Generated messages of the wire.  Pure."""

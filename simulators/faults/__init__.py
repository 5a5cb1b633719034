"""What breaks in a simulated plant, and until when.  Pure."""

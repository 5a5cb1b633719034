"""How to talk to equipment: drivers, profiles, register decoding.  Pure."""

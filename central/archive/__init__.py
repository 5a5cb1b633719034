"""Batches as received, and what is read from them.  Pure."""

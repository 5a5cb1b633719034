"""Campaigns that take hours: `make soak SECTION=acquisition`."""

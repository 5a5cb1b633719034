"""Plants in a box, faults, the demo: everything that stands in for a real plant."""

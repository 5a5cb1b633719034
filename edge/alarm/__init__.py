"""Alarms of the plant: limits, delays, one life each (IEC 62682 / ISA-18.2)."""

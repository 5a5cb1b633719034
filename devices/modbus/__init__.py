"""Modbus: planner, answer checks, decoder and driver.  Pure."""

"""Cause-and-effect files (`cem/1`): read, checked, compiled to the model of the engine."""

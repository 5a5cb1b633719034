"""The schema of `central.db`: one numbered script a step.  Pure."""

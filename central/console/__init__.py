"""The console: what people see of the centre, honest about age and quality.  Pure."""

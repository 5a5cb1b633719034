"""Off-site analysis (非现场执法研判): rule packs over windows of the archive.  Pure."""

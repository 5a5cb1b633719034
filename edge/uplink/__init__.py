"""The centre's cursor over the spool: sessions, order, link.  Pure."""

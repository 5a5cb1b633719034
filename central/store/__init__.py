"""The database file of the centre: tables, migrations, connections.  Pure."""

"""What a gateway sends, up to the durable commit.  Pure."""

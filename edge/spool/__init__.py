"""The durable log of the gateway: batches on disk before anything else.  Pure."""

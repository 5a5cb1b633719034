"""OPC UA: status codes, plan, trust and driver.  Pure."""

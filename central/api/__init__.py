"""The questions of people and programs, over gRPC and HTTP.  Pure."""

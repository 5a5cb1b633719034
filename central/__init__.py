"""The bureau's server: keeps what gateways send, and says what is true at a site.  Pure."""

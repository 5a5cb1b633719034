"""The demo: two plants, two gateways, the centre and the console as processes, in one command."""

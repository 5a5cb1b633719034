"""The fault harness: address-coded equipment behind wires that lie, and the oracle that knows.

Ours from the first byte: no line of it comes from a Modbus library, so that what a library gets
wrong shows here.
"""

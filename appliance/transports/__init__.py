"""Wires: each transport turns its own wire format into the same session and the same acks."""

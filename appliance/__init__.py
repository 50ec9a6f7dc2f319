"""Vooster Appliance: brings a scanned order's document to the right station's second monitor, on the factory's LAN."""

__version__ = "0.1.0"
PROTOCOL_VERSION = 1

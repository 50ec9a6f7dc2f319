"""The outside world: order sources, mDNS, the service manager."""

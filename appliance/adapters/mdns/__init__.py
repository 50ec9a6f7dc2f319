"""Announces the appliance on the LAN by mDNS/DNS-SD, so that stations find `vooster.local` with nothing configured.

What others announce is read to see that a name is taken and to be shown as hearsay; it is never believed. Nothing here
can stop the appliance from starting: what stands against it is said in `status()`, and once in the log.
"""

from appliance.adapters.mdns.announcer import Announcer

__all__ = ["Announcer"]

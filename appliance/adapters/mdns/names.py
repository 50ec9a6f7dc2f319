"""What the appliance is called on the network: `vooster.local`, `vooster-2.local`, and what people see who browse."""

from __future__ import annotations

SERVICE_TYPE = "_vooster._tcp.local."
MOST_NAMES = 50
_HOST = "vooster"
_LABEL_BYTES = 63  # RFC 6763, section 4.1.1


def host(number: int) -> str:
    """The host name as DNS writes it: `vooster.local.`, then `vooster-2.local.` and so on."""
    return f"{_HOST}.local." if number == 1 else f"{_HOST}-{number}.local."


def instance(name: str, number: int) -> str:
    """The service instance's name as DNS writes it; its number is the host name's."""
    return f"{instance_label(name, number)}.{SERVICE_TYPE}"


def instance_label(name: str, number: int = 1) -> str:
    """The DNS-SD instance name people see when they browse, at most 63 bytes of UTF-8, cut between characters.

    A dot would be taken for a label's end and a control character belongs in no name; both become spaces.
    """
    readable = " ".join("".join(" " if char == "." or not char.isprintable() else char for char in name).split())
    suffix = f"-{number}" if number > 1 else ""
    cut = (readable or "Vooster").encode()[: _LABEL_BYTES - len(suffix)].decode(errors="ignore")
    return cut.rstrip() + suffix

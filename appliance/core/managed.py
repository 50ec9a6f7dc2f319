"""What IT sets for the extension on a plant's PCs, in the forms that browsers read: registry files for Windows, JSON
files for Linux, configuration profiles for macOS."""

from __future__ import annotations

import plistlib
import uuid
from typing import Any, Final

import msgspec

EXTENSION_ID: Final = "mholgcmfdlciakgmnmldhhpgldnhcohj"
"""Chrome derives it from the key in the extension's manifest (`web/extension/key.json`): nobody else's can have it."""
JSON_FOLDERS: Final = (
    "/etc/opt/chrome/policies/managed",
    "/etc/opt/edge/policies/managed",
    "/etc/chromium/policies/managed",
)
"""Where Chrome, Edge and Chromium on Linux look for policies; the file's own name is of no matter."""
_KEYS: Final = (
    r"HKEY_LOCAL_MACHINE\Software\Policies\Google\Chrome",
    r"HKEY_LOCAL_MACHINE\Software\Policies\Microsoft\Edge",
)
_DOMAINS: Final = ("com.google.Chrome", "com.microsoft.Edge")
"""Where Chrome and Edge on macOS look for theirs; for an extension's under a domain of its own, named after theirs."""
_MAY_ASK_THE_LAN: Final = "LocalNetworkAccessAllowedForUrls"
_NUMBER: Final = "8480"
"""Of our entry in a list that may hold others' already, which have the small ones."""
_OFF: Final = ("TranslateEnabled", "PasswordManagerEnabled")
"""What would offer its help over a work order, on a monitor where nobody can send it away."""
_PROFILE: Final = "vooster.extension"


class Managed(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What `web/extension/managed.json` takes. `device_secret` is a key: whoever has it can be that screen."""

    address: str
    instance_id: str
    screen_id: str = ""
    device_secret: str = ""


def as_json(managed: Managed) -> bytes:
    """A file for `JSON_FOLDERS`."""
    policies = {"3rdparty": {"extensions": {EXTENSION_ID: msgspec.to_builtins(managed)}}, **_of_the_browser(managed)}
    return msgspec.json.format(msgspec.json.encode(policies)) + b"\n"


def as_registry(managed: Managed) -> bytes:
    """A file for Windows, as `regedit` writes it and as group policies take it: UTF-16 with its mark."""
    lines = ["Windows Registry Editor Version 5.00", ""]
    for key in _KEYS:
        lines.append(rf"[{key}\3rdparty\extensions\{EXTENSION_ID}\policy]")
        lines += [f"{_quoted(name)}={_quoted(value)}" for name, value in msgspec.to_builtins(managed).items()]
        lines += ["", rf"[{key}\{_MAY_ASK_THE_LAN}]", f"{_quoted(_NUMBER)}={_quoted(managed.address)}", ""]
        lines += [f"[{key}]", *(f"{_quoted(name)}=dword:00000000" for name in _OFF), ""]
    return "\r\n".join(["\ufeff" + lines[0], *lines[1:], ""]).encode("utf-16-le")


def as_profile(managed: Managed) -> bytes:
    """A configuration profile for macOS. Another one of this appliance's or another's takes its place."""
    content = []
    for domain in _DOMAINS:
        content.append(_payload(domain, managed) | _of_the_browser(managed))
        content.append(_payload(f"{domain}.extensions.{EXTENSION_ID}", managed) | msgspec.to_builtins(managed))
    profile = _payload("Configuration", managed) | {
        "PayloadIdentifier": _PROFILE,
        "PayloadDisplayName": "Vooster",
        "PayloadScope": "System",
        "PayloadContent": content,
    }
    return plistlib.dumps(profile, sort_keys=False)


def _payload(kind: str, managed: Managed) -> dict[str, Any]:
    """What every part of a profile has to say of itself: the same each time it is made."""
    whose = f"{_PROFILE}/{kind}/{managed.instance_id}/{managed.screen_id}"
    return {
        "PayloadType": kind,
        "PayloadVersion": 1,
        "PayloadIdentifier": f"{_PROFILE}.{kind}",
        "PayloadUUID": str(uuid.uuid5(uuid.NAMESPACE_OID, whose)).upper(),
    }


def _of_the_browser(managed: Managed) -> dict[str, Any]:
    return {_MAY_ASK_THE_LAN: [managed.address], **dict.fromkeys(_OFF, False)}


def _quoted(text: str) -> str:
    escaped = text.replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'

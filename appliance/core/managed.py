"""What IT sets for the extension on a plant's PCs, in the forms that browsers read: JSON files and the registry."""

from __future__ import annotations

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
_MAY_ASK_THE_LAN: Final = "LocalNetworkAccessAllowedForUrls"
_NUMBER: Final = "8480"
"""Of our entry in a list that may hold others' already, which have the small ones."""


class Managed(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What `web/extension/managed.json` takes. `device_secret` is a key: whoever has it can be that screen."""

    address: str
    instance_id: str
    screen_id: str = ""
    device_secret: str = ""


def as_json(managed: Managed) -> bytes:
    """A file for `JSON_FOLDERS`."""
    policies: dict[str, Any] = {
        "3rdparty": {"extensions": {EXTENSION_ID: msgspec.to_builtins(managed)}},
        _MAY_ASK_THE_LAN: [managed.address],
    }
    return msgspec.json.format(msgspec.json.encode(policies)) + b"\n"


def as_registry(managed: Managed) -> bytes:
    """A file for Windows, as `regedit` writes it and as group policies take it: UTF-16 with its mark."""
    lines = ["Windows Registry Editor Version 5.00", ""]
    for key in _KEYS:
        lines.append(rf"[{key}\3rdparty\extensions\{EXTENSION_ID}\policy]")
        lines += [f"{_quoted(name)}={_quoted(value)}" for name, value in msgspec.to_builtins(managed).items()]
        lines += ["", rf"[{key}\{_MAY_ASK_THE_LAN}]", f"{_quoted(_NUMBER)}={_quoted(managed.address)}", ""]
    return "\r\n".join(["\ufeff" + lines[0], *lines[1:], ""]).encode("utf-16-le")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'

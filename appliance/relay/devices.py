"""Browsers that somebody has signed in with: each keeps a cookie that says so, which lets nobody in.

Addresses are shared, behind a router or a proxy, by people who don't trust each other. By its cookie a browser is told
from all others at its address, so that their wrong passwords count for them alone. Whoever steals one may guess as
often as its owner mistypes, and no more. It ends with the password, with the user and with the keys.
"""

from __future__ import annotations

import hmac
import secrets as random
import unicodedata

from appliance.relay.secrets import Secrets, encode
from appliance.storage.people import User

_SEPARATOR = "."


class Devices:
    """Makes and checks the cookies. Nothing of them is stored."""

    def __init__(self, secrets: Secrets) -> None:
        self._key = secrets.cookies

    def use_keys(self, secrets: Secrets) -> None:
        self._key = secrets.cookies

    def mark(self, username: str) -> str:
        """What the name of a user's cookie ends in: several people may use one browser."""
        folded = unicodedata.normalize("NFC", username[:256]).casefold()
        return hmac.digest(self._key, b"device's name:" + folded.encode(errors="surrogatepass"), "sha256")[:8].hex()

    def made(self, user: User, before: str = "") -> str:
        """The cookie's value for a browser that `user` has just signed in with; `before` is what it had."""
        device = self.found(user, before) or random.token_hex(16)
        return f"{device}{_SEPARATOR}{self._sealed(user, device)}"

    def found(self, user: User, value: str) -> str:
        """Which of the user's browsers it is; empty for a value that isn't of this user's, or not any more."""
        device, _, seal = value.partition(_SEPARATOR)
        good = hmac.compare_digest(seal.encode(errors="surrogatepass"), self._sealed(user, device).encode())
        return device if good else ""

    def _sealed(self, user: User, device: str) -> str:
        said = "\0".join(("device", user.folded, device, user.password))
        return encode(hmac.digest(self._key, said.encode(errors="surrogatepass"), "sha256"))

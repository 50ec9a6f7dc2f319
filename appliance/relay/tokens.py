"""Access tokens: short-lived HS256 JWTs whose claims name the instance, the subject and the grant they belong to."""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import jwt
import msgspec

from appliance.errors import Problem
from appliance.relay.secrets import SigningKey

AUDIENCE: Final = "vooster"
TYPE: Final = "at+jwt"  # RFC 9068
_ALGORITHM: Final = "HS256"
_MAX_LENGTH: Final = 2048
_REQUIRED: Final = ["iss", "aud", "sub", "sid", "jti", "iat", "exp"]


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says; `expires_at` in milliseconds."""

    kind: str
    subject: str
    grant: str
    expires_at: int


class _Ours(msgspec.Struct):
    iss: str
    aud: str
    sub: str
    sid: str
    jti: str
    iat: int
    exp: int


class AccessTokens:
    """Makes and verifies them. The newest key (`keys[0]`) signs; tokens of the others stay good until they end."""

    def __init__(self, keys: list[SigningKey], *, instance_id: str, seconds: int, now: Callable[[], int]) -> None:
        self._keys = {item.kid: item.key for item in keys}
        self._newest = keys[0]
        self._instance_id = instance_id
        self.seconds = seconds
        self._now = now
        self._key_of: dict[str, bytes] = {}
        """By a token's first part, which all that one key has signed have in common: it is read once, not at each."""

    def make(self, kind: str, subject: str, grant: str) -> str:
        issued = self._now() // 1000
        claims = {
            "iss": self._instance_id,
            "aud": AUDIENCE,
            "sub": f"{kind}:{subject}",
            "sid": grant,
            "jti": secrets.token_hex(8),
            "iat": issued,
            "exp": issued + self.seconds,
        }
        headers = {"kid": self._newest.kid, "typ": TYPE}
        return jwt.encode(claims, self._newest.key, algorithm=_ALGORITHM, headers=headers)

    def verify(self, token: str) -> Claims:
        """Raises `TOKEN_EXPIRED` for one that was ours and has ended, `TOKEN_INVALID` for anything else."""
        try:
            claims = self._like_the_last(token) or self._decode(token)
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            raise Problem("TOKEN_INVALID") from None
        kind, _, subject = str(claims["sub"]).partition(":")
        expires = claims["exp"]
        if kind not in {"user", "screen"} or not subject or type(expires) is not int:
            raise Problem("TOKEN_INVALID")
        if expires * 1000 <= self._now():
            raise Problem("TOKEN_EXPIRED")
        return Claims(kind, subject, str(claims["sid"]), expires * 1000)

    def _like_the_last(self, token: str) -> dict[str, Any] | None:
        """The claims of a token whose first part is, letter for letter, that of one which was verified in full: only
        its signature is left to be checked. Ten thousand come at once after a restart. None: ask `_decode`."""
        signed, _, signature = token.rpartition(".")
        head, _, payload = signed.partition(".")
        key = self._key_of.get(head)
        if key is None or len(token) > _MAX_LENGTH or not token.isascii():
            return None
        expected = base64.urlsafe_b64encode(hmac.digest(key, signed.encode(), "sha256")).rstrip(b"=")
        if not hmac.compare_digest(expected, signature.encode()):
            return None
        try:
            claims = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=_Ours)
        except (msgspec.DecodeError, ValueError):
            return None
        if (claims.iss, claims.aud) != (self._instance_id, AUDIENCE):
            return None
        return {"sub": claims.sub, "sid": claims.sid, "exp": claims.exp}

    def _decode(self, token: str) -> dict[str, Any]:
        if len(token) > _MAX_LENGTH or not token.isascii():
            raise ValueError("not a token of ours")
        head = token.partition(".")[0]
        key = self._key_of.get(head) or self._named_key(token)
        # Times are compared with the appliance's own clock, above.
        options: Any = {"require": _REQUIRED, "verify_exp": False, "verify_iat": False, "verify_nbf": False}
        claims: dict[str, Any] = jwt.decode(
            token, key, algorithms=[_ALGORITHM], audience=AUDIENCE, issuer=self._instance_id, options=options
        )
        self._key_of[head] = key
        return claims

    def _named_key(self, token: str) -> bytes:
        header = jwt.get_unverified_header(token)
        key = self._keys.get(str(header.get("kid")))
        if key is None or header.get("typ") != TYPE or "crit" in header:
            raise ValueError("not a token of ours")
        return key

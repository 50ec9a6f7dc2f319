"""Access tokens: short-lived HS256 JWTs whose claims name the instance, the subject and the grant they belong to.

Only ours are ever shown to us, so a token is good if it is letter for letter what one of our keys would have written.
Nothing of a stranger's is interpreted before its signature is right: its first part must be a header of ours as it is
(no other algorithm, `kid`, `typ` or `crit` to be talked into), its last part the signature as we spell it, and its
claims must come out the same when they are written again (no member twice, no unknown one, no number in disguise).
That is stricter than a JWT library, and at a tenth of the time: ten thousand come at once after a restart.
"""

from __future__ import annotations

import base64
import hmac
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import jwt
import msgspec

from appliance.errors import Problem
from appliance.relay.secrets import SigningKey

AUDIENCE: Final = "vooster"
TYPE: Final = "at+jwt"  # RFC 9068
_ALGORITHM: Final = "HS256"
_MAX_LENGTH: Final = 2048
_SKEW_SECONDS: Final = 300
"""How far ahead of our clock a token of ours may have been made: the clock may have been put right since."""
_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]{1,300}\.[A-Za-z0-9_-]{1,2000}\.[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says; `expires_at` in milliseconds, `kid` of the key that signed it."""

    kind: str
    subject: str
    grant: str
    expires_at: int
    kid: str


class _Written(msgspec.Struct, forbid_unknown_fields=True):
    """The claims, in the order in which they are written. `iat` and `exp` are seconds since the epoch."""

    iss: str
    aud: str
    sub: str
    sid: str
    jti: str
    iat: int
    exp: int


@dataclass(frozen=True, slots=True)
class _Key:
    kid: str
    key: bytes
    retired_at: int | None
    """When the next one took over, in ms; None for the one that signs now."""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Written).decode


class AccessTokens:
    """Makes and verifies them. The newest key (`keys[0]`) signs; tokens of the others stay good until they end."""

    def __init__(self, keys: Sequence[SigningKey], *, instance_id: str, seconds: int, now: Callable[[], int]) -> None:
        self._instance_id = instance_id
        self.seconds = seconds
        self._now = now
        self.use(keys)

    def use(self, keys: Sequence[SigningKey]) -> None:
        """From now on these keys; tokens of any other are nobody's."""
        retired = [None, *(newer.made_at or None for newer, _ in pairwise(keys))]
        self._newest = keys[0]
        self._by_head = {
            _signed(item, b"").partition(".")[0]: _Key(item.kid, item.key, at)
            for item, at in zip(keys, retired, strict=True)
        }
        """By the first part of all that they sign."""

    def knows(self, kid: str) -> bool:
        """Whether what this key has signed is still good."""
        return any(key.kid == kid for key in self._by_head.values())

    def make(self, kind: str, subject: str, grant: str) -> str:
        issued = self._now() // 1000
        claims = _Written(
            iss=self._instance_id,
            aud=AUDIENCE,
            sub=f"{kind}:{subject}",
            sid=grant,
            jti=secrets.token_hex(8),
            iat=issued,
            exp=issued + self.seconds,
        )
        return _signed(self._newest, _encode(claims))

    def verify(self, token: str) -> Claims:
        """Raises `TOKEN_EXPIRED` for one that was ours and has ended, `TOKEN_INVALID` for anything else."""
        try:
            claims, key = self._read(token)
        except (msgspec.DecodeError, ValueError):
            raise Problem("TOKEN_INVALID") from None
        now = self._now()
        kind, _, subject = claims.sub.partition(":")
        if (
            (claims.iss, claims.aud) != (self._instance_id, AUDIENCE)
            or kind not in {"user", "screen"}
            or not (subject and claims.sid and claims.jti)
            or not 0 <= claims.exp - claims.iat <= self.seconds
            or not 0 < claims.iat <= now // 1000 + _SKEW_SECONDS
            or (key.retired_at is not None and claims.iat * 1000 > key.retired_at)
        ):
            raise Problem("TOKEN_INVALID")
        if claims.exp * 1000 <= now:
            raise Problem("TOKEN_EXPIRED")
        return Claims(kind, subject, claims.sid, claims.exp * 1000, key.kid)

    def _read(self, token: str) -> tuple[_Written, _Key]:
        """The claims and the key that signed them. Raises `ValueError` or `DecodeError`."""
        if len(token) > _MAX_LENGTH or _SHAPE.fullmatch(token) is None:
            raise ValueError("not a token")
        signed, _, signature = token.rpartition(".")
        head, _, payload = signed.partition(".")
        key = self._by_head.get(head)
        if key is None:
            raise ValueError("not a header of ours")
        expected = base64.urlsafe_b64encode(hmac.digest(key.key, signed.encode(), "sha256"))[:-1]
        if not hmac.compare_digest(expected, signature.encode()):
            raise ValueError("not a signature of ours")
        written = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        claims = _decode(written)
        if _encode(claims) != written:
            raise ValueError("not as we write it")
        return claims, key


def _signed(key: SigningKey, payload: bytes) -> str:
    headers = {"kid": key.kid, "typ": TYPE}
    return jwt.PyJWS().encode(payload, key.key, algorithm=_ALGORITHM, headers=headers)

from __future__ import annotations

import base64
import json
from typing import Any

import jwt
import pytest

from appliance.errors import Problem
from appliance.relay.secrets import SigningKey
from appliance.relay.tokens import AccessTokens

KEY = SigningKey("one", b"k" * 64)
OLD = SigningKey("old", b"o" * 32)
NOW = 1_800_000_000


def tokens(*keys: SigningKey, now: int = NOW * 1000) -> AccessTokens:
    return AccessTokens(list(keys) or [KEY, OLD], instance_id="here", seconds=900, now=lambda: now)


def forged(claims: dict[str, Any] | None = None, key: bytes = KEY.key, **headers: Any) -> str:
    full = {
        "iss": "here",
        "aud": "vooster",
        "sub": "user:kim",
        "sid": "g",
        "jti": "j",
        "iat": NOW,
        "exp": NOW + 900,
        **(claims or {}),
    }
    full = {name: value for name, value in full.items() if value is not None}
    return jwt.encode(full, key, algorithm="HS256", headers={"kid": "one", "typ": "at+jwt", **headers})


def unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims)]
    return ".".join([*parts, ""])


def test_what_was_made_is_verified_and_names_its_grant() -> None:
    claims = tokens().verify(tokens().make("screen", "SCREEN-001", "grant"))
    assert (claims.kind, claims.subject, claims.grant) == ("screen", "SCREEN-001", "grant")
    assert claims.expires_at == (NOW + 900) * 1000
    assert tokens().verify(forged()).subject == "kim"


def test_an_older_key_still_verifies_and_one_that_is_gone_does_not() -> None:
    old = tokens(OLD).make("user", "kim", "g")
    assert tokens(KEY, OLD).verify(old).subject == "kim"
    with pytest.raises(Problem, match="TOKEN_INVALID"):
        tokens(KEY).verify(old)


def test_the_end_is_its_own_error() -> None:
    token = tokens().make("user", "kim", "g")
    assert tokens(now=(NOW + 900) * 1000 - 1).verify(token)
    with pytest.raises(Problem, match="TOKEN_EXPIRED"):
        tokens(now=(NOW + 900) * 1000).verify(token)


CLAIMS = {"iss": "here", "aud": "vooster", "sub": "user:kim", "sid": "g", "jti": "j", "iat": NOW, "exp": NOW + 900}


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b.c",
        "한.글.토큰",
        forged() + "x",
        forged()[:-2],
        forged(key=b"z" * 32),
        forged(key=OLD.key),
        forged(kid="old"),
        forged(kid="none"),
        forged(kid="../../etc/passwd"),
        forged(typ="JWT"),
        forged(typ="refresh+jwt"),
        forged(crit=["exp"]),
        forged({"iss": "elsewhere"}),
        forged({"aud": "other"}),
        forged({"aud": None}),
        forged({"iss": None}),
        forged({"sid": None}),
        forged({"jti": None}),
        forged({"exp": None}),
        forged({"exp": "never"}),
        forged({"exp": True}),
        forged({"exp": (NOW + 900) * 1.5}),
        forged({"sub": "kim"}),
        forged({"sub": "local:root"}),
        forged({"sub": "key:1"}),
        forged({"sub": "user:"}),
        unsigned({"alg": "none", "typ": "at+jwt", "kid": "one"}, CLAIMS),
        unsigned({"alg": "None", "typ": "at+jwt", "kid": "one"}, CLAIMS),
        jwt.encode(CLAIMS, KEY.key, algorithm="HS512", headers={"kid": "one", "typ": "at+jwt"}),
        forged({"sub": "user:" + "x" * 4000}),
    ],
)
def test_anything_else_is_invalid(token: str) -> None:
    with pytest.raises(Problem, match="TOKEN_INVALID"):
        tokens().verify(token)


def _with(token: str, part: int, change: str) -> str:
    parts = token.split(".")
    parts[part] = change + parts[part][len(change) :]
    return ".".join(parts)


@pytest.mark.parametrize(
    "token",
    [
        _with(forged(), 1, "eyJhIjox"),
        _with(forged(), 2, "AAAA"),
        forged() + "A",
        forged(key=b"x" * 64),
        forged({"iss": "elsewhere"}),
        forged({"aud": "another"}),
        forged({"sub": None}),
        forged({"exp": "soon"}),
        forged({"sub": "local:root"}),
    ],
)
def test_one_like_a_good_one_is_refused_as_well(token: str) -> None:
    """What was verified before makes the next check shorter, not laxer."""
    access = tokens()
    access.verify(forged())
    with pytest.raises(Problem) as refused:
        access.verify(token)
    assert refused.value.code == "TOKEN_INVALID"


def test_the_short_check_says_what_the_long_one_says() -> None:
    access = tokens()
    first = access.verify(forged())
    assert access.verify(forged()) == first
    assert access.verify(forged({"sub": "screen:S-1", "sid": "other"})).subject == "S-1"
    with pytest.raises(Problem) as ended:
        access.verify(forged({"exp": NOW}))
    assert ended.value.code == "TOKEN_EXPIRED"

"""Ten thousand tokens that nobody of ours has written. PyJWT, told all that it can check, is the second opinion: what
it refuses is refused here too, and nothing else is ever different from what was made."""

from __future__ import annotations

import base64
import hmac
import json
import random
from typing import Any

import jwt
import pytest

from appliance.errors import Problem
from appliance.relay.secrets import SigningKey
from appliance.relay.tokens import AccessTokens, Claims

NOW = 1_800_000_000
KEY, OLD = SigningKey("one", b"k" * 32, (NOW - 500) * 1000), SigningKey("old", b"o" * 32)
CASES = 10_000
CLAIMS = {"iss": "here", "aud": "vooster", "sub": "user:김", "sid": "g", "jti": "j", "iat": NOW, "exp": NOW + 900}
HEADER = {"alg": "HS256", "kid": "one", "typ": "at+jwt"}


def access(*keys: SigningKey, at: int = NOW) -> AccessTokens:
    return AccessTokens(keys or [KEY, OLD], instance_id="here", seconds=900, now=lambda: at * 1000)


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def written(claims: dict[str, Any]) -> bytes:
    return json.dumps(claims, separators=(",", ":"), ensure_ascii=False).encode()


def signed(payload: bytes, head: str | None = None, key: bytes = KEY.key) -> str:
    """A token with a right signature over whatever `payload` is: nobody can make one without the key."""
    first = head or access(KEY).make("user", "x", "g").partition(".")[0]
    text = f"{first}.{b64(payload)}"
    return f"{text}.{b64(hmac.digest(key, text.encode(), 'sha256'))}"


def says(tokens: AccessTokens, token: str) -> Claims | str:
    try:
        return tokens.verify(token)
    except Problem as problem:
        return problem.code


def jwt_says(token: str) -> dict[str, Any] | None:
    try:
        header = jwt.get_unverified_header(token)
        key = {"one": KEY.key, "old": OLD.key}[header["kid"]]
        options: Any = {"require": list(CLAIMS), "verify_exp": False, "verify_iat": False}
        found: dict[str, Any] = jwt.decode(
            token, key, algorithms=["HS256"], audience="vooster", issuer="here", options=options
        )
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    return found


def test_what_is_made_is_a_jwt_like_any_other() -> None:
    tokens = access()
    found = jwt_says(tokens.make("screen", "모니터 1", "grant"))
    assert found is not None
    assert (found["sub"], found["sid"], found["exp"] - found["iat"]) == ("screen:모니터 1", "grant", 900)
    assert says(tokens, signed(written(CLAIMS))) == Claims("user", "김", "g", (NOW + 900) * 1000, "one")


def test_a_changed_token_is_nobodys(capsys: pytest.CaptureFixture[str]) -> None:
    chance, tokens = random.Random(5), access()
    good = tokens.make("user", "김", "g")
    fresh = says(tokens, good)
    assert isinstance(fresh, Claims)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \t\r\n%\x00한é"
    accepted_by_jwt = 0
    for _ in range(CASES):
        token = good
        for _change in range(chance.randint(1, 3)):
            at, sign = chance.randrange(len(token) + 1), chance.choice(alphabet)
            token = {
                0: token[:at] + sign + token[at:],
                1: token[:at] + sign + token[at + 1 :],
                2: token[:at] + token[at + chance.randint(1, 40) :],
                3: token[at:] + token[:at],
                4: token.swapcase(),
            }[chance.randrange(5)]
        if token != good:
            assert says(tokens, token) == "TOKEN_INVALID", token
            accepted_by_jwt += jwt_says(token) is not None
    with capsys.disabled():
        print(f"\n{CASES} changed tokens: 0 accepted, {accepted_by_jwt} of them PyJWT would have taken")


WEIRD: list[Any] = [
    None, True, False, 0, -1, 1.0, 1.5, 1e300, NOW, NOW + 1.0, NOW + 10**12, -(10**30), 10**30, "", "x", str(NOW + 900),
    [], {}, ["vooster"], ["vooster", "other"], {"a": 1}, "VOOSTER", "vooster ", "here\x00", "key:1", "local:root",
    "user:", ":", "user", "screen:", "ticket:x",
]  # fmt: skip


def test_what_is_rightly_signed_and_wrongly_said_is_refused() -> None:
    """Only a fault of ours or a stolen key could write these."""
    tokens, taken, ran = access(), [], 0
    for member in CLAIMS:
        for value in WEIRD:
            token = signed(written({**CLAIMS, member: value}))
            found, ran = says(tokens, token), ran + 1
            if isinstance(found, Claims):
                taken.append((member, value))
                assert jwt_says(token) is not None
    # What is left is another name for the same thing: any text may be a grant's or a token's id.
    assert {member for member, _ in taken} <= {"sid", "jti", "iat"}
    assert all(isinstance(value, str) and value for member, value in taken if member != "iat")
    assert [value for member, value in taken if member == "iat"] == [NOW]
    assert ran == len(CLAIMS) * len(WEIRD)


@pytest.mark.parametrize(
    "payload",
    [
        written(CLAIMS).replace(b'"iat"', b'"exp":1,"iat"'),
        written(CLAIMS).replace(b"}", b',"exp":1900000000}'),
        written(CLAIMS).replace(b"}", b',"sub":"user:admin"}'),
        written(CLAIMS).replace(b"}", b',"role":"admin"}'),
        written(CLAIMS).replace(b"}", b',"nbf":1}'),
        written(CLAIMS) + b" ",
        written(CLAIMS) + b"{}",
        b"\xef\xbb\xbf" + written(CLAIMS),
        written(CLAIMS).replace(str(NOW).encode(), b"NaN"),
        written(CLAIMS).replace(str(NOW).encode(), b"1.8e9"),
        written(CLAIMS).replace(str(NOW).encode(), b"01800000000"),
        written(CLAIMS).replace(b'"here"', b'"h\\u0065re"'),
        json.dumps(CLAIMS).encode(),
        json.dumps(CLAIMS, separators=(",", ":")).encode(),
        written(dict(reversed(CLAIMS.items()))),
        b"[" * 900,
        b"{}",
        b"null",
        b"",
        b"\xff\xfe",
    ],
)
def test_claims_that_we_would_have_written_otherwise_are_refused(payload: bytes) -> None:
    assert says(access(), signed(payload)) == "TOKEN_INVALID"


@pytest.mark.parametrize(
    "header",
    [
        {**HEADER, "alg": "none"},
        {**HEADER, "alg": "HS512"},
        {**HEADER, "alg": "RS256"},
        {**HEADER, "alg": ["HS256"]},
        {**HEADER, "typ": "JWT"},
        {**HEADER, "typ": "AT+JWT"},
        {**HEADER, "typ": "refresh+jwt"},
        {**HEADER, "kid": "none"},
        {**HEADER, "kid": ""},
        {**HEADER, "kid": None},
        {**HEADER, "kid": ["one"]},
        {**HEADER, "kid": "../../dev/null"},
        {**HEADER, "kid": "one' OR '1'='1"},
        {**HEADER, "crit": ["exp"]},
        {**HEADER, "crit": []},
        {**HEADER, "b64": False},
        {**HEADER, "zip": "DEF"},
        {**HEADER, "jku": "http://evil.example/keys"},
        {**HEADER, "jwk": {"kty": "oct", "k": b64(KEY.key)}},
        {**HEADER, "x5u": "http://evil.example/cert"},
        {"alg": "HS256", "typ": "at+jwt"},
        {"kid": "one", "typ": "at+jwt"},
        {},
    ],
)
def test_no_header_but_ours_is_looked_at_even_with_a_right_signature(header: dict[str, Any]) -> None:
    assert says(access(), signed(written(CLAIMS), head=b64(json.dumps(header).encode()))) == "TOKEN_INVALID"


def test_a_member_twice_in_the_header_is_refused() -> None:
    for text in (b'{"alg":"none","alg":"HS256","kid":"one","typ":"at+jwt"}', b'{"alg":"HS256","kid":"x","kid":"one"}'):
        assert says(access(), signed(written(CLAIMS), head=b64(text))) == "TOKEN_INVALID"


@pytest.mark.parametrize(
    ("times", "found"),
    [
        ({"iat": NOW, "exp": NOW + 1}, "good"),
        ({"iat": NOW + 300, "exp": NOW + 1200}, "good"),  # the clock was put back since
        ({"iat": NOW + 301, "exp": NOW + 1201}, "TOKEN_INVALID"),
        ({"iat": NOW - 900, "exp": NOW}, "TOKEN_EXPIRED"),
        ({"iat": NOW, "exp": NOW + 901}, "TOKEN_INVALID"),
        ({"iat": NOW, "exp": NOW + 10**9}, "TOKEN_INVALID"),
        ({"iat": NOW + 900, "exp": NOW}, "TOKEN_INVALID"),
        ({"iat": -1, "exp": 800}, "TOKEN_INVALID"),
        ({"iat": 0, "exp": 0}, "TOKEN_INVALID"),
    ],
)
def test_its_times_are_those_that_we_give(times: dict[str, int], found: str) -> None:
    said = says(access(), signed(written({**CLAIMS, **times})))
    assert said == found or (found == "good" and isinstance(said, Claims))


def test_a_retired_key_vouches_for_nothing_made_after_its_time() -> None:
    """Somebody who got hold of an old key could otherwise sign with it until it is dropped."""
    head = access(OLD).make("user", "x", "g").partition(".")[0]
    before = {**CLAIMS, "iat": NOW - 500, "exp": NOW + 400}
    assert isinstance(says(access(), signed(written(before), head, OLD.key)), Claims)
    assert says(access(), signed(written({**before, "iat": NOW - 499}), head, OLD.key)) == "TOKEN_INVALID"


def test_a_good_tokens_first_part_opens_no_door_to_what_comes_behind_it() -> None:
    """The same whether this process has verified one before or not."""
    good = access().make("user", "kim", "g")
    others = [signed(written(CLAIMS), key=b"x" * 32), good[:-1], good + "A", good.replace(".", "..", 1)]
    for token in others:
        warm = access()
        warm.verify(good)
        assert says(warm, token) == says(access(), token) == "TOKEN_INVALID"

"""Forged access tokens: signed with the appliance's real key and wrong in one thing, or not rightly signed at all.

Who signs here has the key, which nobody else has: what is refused is refused for what it says.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from tests.corpus.estate import OWN, PASSWORD, Estate
from tests.support.answers import now_ms

LEFT_OUT: Final = object()


class Forged(NamedTuple):
    name: str
    token: str
    code: str = "TOKEN_INVALID"


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def written(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


class Mint:
    """Makes tokens with the real key: of an admin's sign-in, unless told otherwise."""

    def __init__(self, estate: Estate) -> None:
        self.good = estate.tokens["admin"]
        self.head, self.payload, self.mark = self.good.split(".")
        self.claims = json.loads(base64.urlsafe_b64decode(self.payload + "=="))
        self.header = json.loads(base64.urlsafe_b64decode(self.head + "=="))
        self.key: bytes = estate.engine.keyring.present.jwt[0].key

    def signed(self, head: str, payload: str, *, key: bytes | None = None, digest: str = "sha256") -> str:
        text = f"{head}.{payload}"
        return f"{text}.{b64(hmac.digest(self.key if key is None else key, text.encode(), digest))}"

    def with_header(self, header: Any, digest: str = "sha256") -> str:
        raw = header if isinstance(header, bytes) else written(header)
        return self.signed(b64(raw), self.payload, digest=digest)

    def with_claims(self, claims: Any) -> str:
        raw = claims if isinstance(claims, bytes) else written(claims)
        return self.signed(self.head, b64(raw))


def _changed(base: dict[str, Any], member: str, value: Any) -> dict[str, Any]:
    return (
        {name: kept for name, kept in base.items() if name != member} if value is LEFT_OUT else {**base, member: value}
    )


# --- what is forged -------------------------------------------------------------------------------------------------

_ALGORITHMS: Final[list[Any]] = [
    "none", "None", "NONE", "nOnE", "none ", "", "hs256", "Hs256", "HS256 ", "HS1", "MD5", "HS384", "HS512", "RS256",
    "RS512", "PS256", "ES256", "ES256K", "EdDSA", "dir", "A128KW", "RSA-OAEP", "PBES2-HS256+A128KW", "*", "null",
    None, True, 0, 256, ["HS256"], {"alg": "HS256"}, LEFT_OUT,
]  # fmt: skip
_KIDS: Final[list[Any]] = [
    LEFT_OUT, "", " ", "foreign", "0", "default", "../../../../dev/null", "/dev/null",
    "/proc/sys/kernel/randomize_va_space",
    "secrets.json", "..\\secrets.json", "file:///etc/passwd", "http://evil.example/keys.json", "' OR '1'='1",
    "x' UNION SELECT 'AA'--", "1; DROP TABLE users", "$(id)", "`id`", "|cat /etc/passwd", "%00", "\u0000", "{{7*7}}",
    "*",
    "null", None, True, 0, -1, 1.5, [], {}, ["{kid}"], {"kid": "{kid}"}, "{kid}\u0000", "{kid} ", " {kid}",
    "{kid}{kid}", "{KID}",
]  # fmt: skip
_MORE_HEADERS: Final[list[tuple[str, Any]]] = [
    ("crit", []), ("crit", ["exp"]), ("crit", ["b64"]), ("crit", ["http://x.invalid/UNDEFINED"]), ("crit", "alg"),
    ("crit", None), ("crit", [""]), ("crit", ["alg", "alg"]), ("b64", False), ("b64", True), ("zip", "DEF"),
    ("cty", "JWT"), ("enc", "A128GCM"), ("jku", "http://evil.example/jwks.json"), ("x5u", "http://evil.example/c.pem"),
    ("x5c", ["MIIB"]), ("x5t", "AA"), ("jwk", {"kty": "oct", "k": "AA"}),
    ("jwk", {"kty": "RSA", "n": "AA", "e": "AQAB"}),
    ("epk", {}), ("p2c", 2_000_000_000), ("nonce", "x"), ("iss", "x"), ("typ", "JWT"), ("typ", "AT+JWT"),
    ("typ", "at+JWT"),
    ("typ", "application/at+jwt"), ("typ", "refresh+jwt"), ("typ", "at+jwt "), ("typ", ""), ("typ", None),
    ("typ", ["at+jwt"]),
    ("typ", LEFT_OUT),
]  # fmt: skip
_CLAIMS: Final[dict[str, list[Any]]] = {
    "aud": [LEFT_OUT, None, "", "VOOSTER", "vooster ", " vooster", "vooster2", "*", "other", ["vooster"],
            ["vooster", "other"], [], {"vooster": 1}, True, 0],
    "iss": [LEFT_OUT, None, "", "vooster", "{iss} ", "{iss}0", "http://evil.example", ["{iss}"], 0, True],
    "sub": [LEFT_OUT, None, "", ":", "user", "user:", "admin", "user:root", "user: admin", "user:admin ",
            "user:admin\u0000", "user:ａdmin", "USER:admin", "User:admin", "user:viewer", "user:operator",
            "user:removed", "screen:S-OWN", "screen:admin", "key:admin", "local:root", "local:admin", "setup:x",
            "system", ["user:admin"], 0, True],
    "sid": [LEFT_OUT, None, "", " ", "0", "{viewer}", "{screen}", "{ended}", "{sid} ", "{sid}0",
            "cookie:0000000000000000", "' OR 1=1 --", ["{sid}"], 0, True],
    "jti": [LEFT_OUT, None, "", 0, True, [], {}],
    "exp": [LEFT_OUT, None, "", "{exp}", "never", True, False, 0, -1, 1, 1.5, 1e300, 10**12, 2**31, 2**53, 2**63, 2**64,
            10**30, [], {}, "{float}", "{later}", "{ms}"],
    "iat": [LEFT_OUT, None, "", "{iat}", True, False, 0, -1, 1.5, 1e300, 2**31, 2**63, 10**30, [], "{ahead}", "{ms}"],
    "typ": ["at+jwt", "refresh", "access"],
    "nbf": [0, 2**31],
    "role": ["admin"],
    "scope": ["*"],
    "groups": [None],
    "cnf": [{}],
    "admin": [True],
}  # fmt: skip


def _headers(mint: Mint) -> Iterator[Forged]:
    for alg in _ALGORITHMS:
        header = _changed(mint.header, "alg", alg)
        said = "nothing" if alg is LEFT_OUT else json.dumps(alg)
        yield Forged(f"algorithm {said}, signed", mint.with_header(header))
        yield Forged(f"algorithm {said}, unsigned", f"{b64(written(header))}.{mint.payload}.")
    for bits in (1, 224, 384, 512):
        header = {**mint.header, "alg": f"HS{bits}"}
        yield Forged(f"really HS{bits}", mint.with_header(header, "sha1" if bits == 1 else f"sha{bits}"))
        yield Forged(f"HS{bits} that says HS256", mint.with_header(mint.header, "sha1" if bits == 1 else f"sha{bits}"))
    kid = mint.header["kid"]
    for value in _KIDS:
        text = json.dumps("nothing" if value is LEFT_OUT else value).replace("{kid}", kid).replace("{KID}", kid.upper())
        given = LEFT_OUT if value is LEFT_OUT else json.loads(text)
        if given != kid:
            yield Forged(f"kid {text}", mint.with_header(_changed(mint.header, "kid", given)))
    for member, value in _MORE_HEADERS:
        said = "nothing" if value is LEFT_OUT else json.dumps(value)
        yield Forged(f"header's {member} {said}", mint.with_header(_changed(mint.header, member, value)))
    whole = written(mint.header)
    for name, raw in {
        "alg twice, none first": whole.replace(b"{", b'{"alg":"none",', 1),
        "alg twice, none last": whole.replace(b"}", b',"alg":"none"}'),
        "kid twice": whole.replace(b"{", b'{"kid":"x",', 1),
        "typ twice": whole.replace(b"}", b',"typ":"at+jwt"}'),
        "members the other way round": written(dict(reversed(mint.header.items()))),
        "spaces": json.dumps(mint.header).encode(),
        "a line break behind": whole + b"\n",
        "escapes": whole.replace(b"HS256", b"\\u0048S256"),
        "a byte order mark": b"\xef\xbb\xbf" + whole,
        "UTF-16": whole.decode().encode("utf-16"),
        "a list": b"[" + whole + b"]",
        "a text": b'"HS256"',
        "no JSON": b"HS256",
        "nothing": b"",
        "null": b"null",
        "a deep one": b"[" * 200,
    }.items():
        yield Forged(f"header with {name}", mint.with_header(raw))


def _says(mint: Mint, estate: Estate) -> Iterator[Forged]:
    sids = {
        "{viewer}": _claims(estate.tokens["viewer"])["sid"],
        "{screen}": _claims(estate.screens[OWN]["accessToken"])["sid"],
        "{ended}": _claims(estate.ended["signed-out token"])["sid"],
    }
    claims = mint.claims
    words = {
        "{exp}": str(claims["exp"]), "{iat}": str(claims["iat"]), "{float}": claims["exp"] + 0.0,
        "{later}": claims["exp"] + 1, "{ahead}": claims["iat"] + 3600, "{ms}": claims["iat"] * 1000,
    }  # fmt: skip
    for member, values in _CLAIMS.items():
        for value in values:
            given = _filled(value, {**words, **sids}, claims)
            if given == claims.get(member):
                continue
            said = "nothing" if value is LEFT_OUT else json.dumps(value)
            yield Forged(f"{member} {said}", mint.with_claims(_changed(claims, member, given)))


def _filled(value: Any, words: dict[str, Any], claims: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [_filled(item, words, claims) for item in value]
    if not isinstance(value, str):
        return value
    if value in words:
        return words[value]
    return value.replace("{iss}", claims["iss"]).replace("{sid}", claims["sid"])


def _claims(token: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))


def _times(mint: Mint) -> Iterator[Forged]:
    now = now_ms() // 1000
    for seconds in (0, 1, 60, 900, 86_400, 10**8):
        claims = {**mint.claims, "iat": now - seconds - 900, "exp": now - seconds}
        yield Forged(f"ended {seconds} s ago", mint.with_claims(claims), "TOKEN_EXPIRED")
    for iat, exp in (
        (now + 301 + 60, now + 960),
        (now, now + 901),
        (now, now + 10**6),
        (now + 900, now),
        (now, now - 1),
    ):
        yield Forged(f"from {iat - now} s to {exp - now} s", mint.with_claims({**mint.claims, "iat": iat, "exp": exp}))
    whole = written(mint.claims)
    for name, raw in {
        "exp twice": whole.replace(b"{", b'{"exp":4000000000,', 1),
        "exp twice, later last": whole.replace(b"}", b',"exp":4000000000}'),
        "sub twice": whole.replace(b"{", b'{"sub":"user:viewer",', 1),
        "sub twice, other last": whole.replace(b"}", b',"sub":"user:operator"}'),
        "aud twice": whole.replace(b"{", b'{"aud":"other",', 1),
        "iss twice": whole.replace(b"}", b',"iss":"other"}'),
        "exp and EXP": whole.replace(b"}", b',"EXP":4000000000}'),
        "escapes": whole.replace(b"user:", b"\\u0075ser:"),
        "spaces": json.dumps(mint.claims).encode(),
        "a space behind": whole + b" ",
        "another object behind": whole + b"{}",
        "a comment": whole.replace(b"{", b"{/**/", 1),
        "a comma too much": whole.replace(b"}", b",}"),
        "single quotes": whole.replace(b'"', b"'"),
        "a byte order mark": b"\xef\xbb\xbf" + whole,
        "UTF-16": whole.decode().encode("utf-16-le"),
        "NaN": whole.replace(str(mint.claims["exp"]).encode(), b"NaN"),
        "Infinity": whole.replace(str(mint.claims["exp"]).encode(), b"Infinity"),
        "an exponent": whole.replace(str(mint.claims["exp"]).encode(), b"4e9"),
        "a leading zero": whole.replace(str(mint.claims["exp"]).encode(), b"0" + str(mint.claims["exp"]).encode()),
        "a plus": whole.replace(str(mint.claims["exp"]).encode(), b"+" + str(mint.claims["exp"]).encode()),
        "hexadecimal": whole.replace(str(mint.claims["exp"]).encode(), hex(mint.claims["exp"]).encode()),
        "a list": b"[" + whole + b"]",
        "a text": b'"user:admin"',
        "null": b"null",
        "nothing": b"",
        "bytes that are no text": b"\xff\xfe\xfd",
        "a deep one": b"[" * 600,
    }.items():
        yield Forged(f"claims with {name}", mint.with_claims(raw))


def _signatures(mint: Mint, estate: Estate) -> Iterator[Forged]:
    keys = {
        "nothing": b"", "a zero": b"\0", "zeros": b"\0" * 32, "its kid": mint.header["kid"].encode(),
        "the word secret": b"secret",
        "the instance's id": mint.claims["iss"].encode(), "its key in letters": b64(mint.key).encode(),
        "half of its key": mint.key[:16], "the documents' key": estate.engine.keyring.present.documents,
        "the cookies' key": estate.engine.keyring.present.cookies,
        "the audit's key": estate.engine.keyring.present.audit,
        "an API key": estate.keys["admin"].encode(), "the password": PASSWORD.encode(),
    }  # fmt: skip
    for name, key in keys.items():
        yield Forged(f"signed with {name}", mint.signed(mint.head, mint.payload, key=key))
    other = estate.tokens["viewer"].split(".")
    yield Forged("another token's signature", f"{mint.head}.{mint.payload}.{other[2]}")
    yield Forged("another token's claims", f"{mint.head}.{other[1]}.{mint.mark}")
    for at in range(0, 43, 6):
        flipped = mint.mark[:at] + ("A" if mint.mark[at] != "A" else "B") + mint.mark[at + 1 :]
        yield Forged(f"letter {at} of the signature changed", f"{mint.head}.{mint.payload}.{flipped}")
    for length in (0, 1, 21, 42):
        yield Forged(f"{length} letters of the signature", f"{mint.head}.{mint.payload}.{mint.mark[:length]}")


def _spellings(mint: Mint) -> Iterator[Forged]:
    good, head, payload, mark = mint.good, mint.head, mint.payload, mint.mark
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet[alphabet.index(mark[-1]) ^ 1]
    for name, token in {
        "a signature's spare bits set": f"{head}.{payload}.{mark[:-1]}{last}",
        "padding behind": good + "=",
        "padding in each part": f"{head}=.{payload}=.{mark}=",
        "a dot behind": good + ".",
        "a dot before": "." + good,
        "two dots": good.replace(".", "..", 1),
        "no dots": good.replace(".", ""),
        "no signature and no dot": f"{head}.{payload}",
        "five parts": f"{good}.{payload}.{mark}",
        "four parts": f"{good}.{mark}",
        "its JSON form": json.dumps({"payload": payload, "protected": head, "signature": mark}),
        "upper case": good.upper(),
        "lower case": good.lower(),
        "cases swapped": good.swapcase(),
        "the other Base64": f"{head}.{payload}.{mark[:20]}+{mark[21:]}",
        "a slash": f"{head}.{payload}.{mark[:20]}/{mark[21:]}",
        "a space within": good[:30] + " " + good[30:],
        "a tab within": good[:30] + "\t" + good[30:],
        "a comma and itself": f"{good},{good}",
        "a semicolon behind": good + ";",
        "quotes": f'"{good}"',
        "brackets": f"<{good}>",
        "the word twice": f"Bearer {good}",
        "its scheme behind": f"{good} Bearer",
        "percent signs": good.replace(".", "%2E"),
        "a percent-encoded line": good + "%0a",
        "a no-break space behind": good + "\xa0",
        "a zero-width space behind": good + "\u200b",
        "a zero-width space within": good[:30] + "\u200b" + good[30:],
        "one dot leaders": good.replace(".", "\u2024"),
        "full stops of another script": good.replace(".", "\u3002"),
        "a full-width letter": "\uff45" + good[1:],
        "a Cyrillic letter": good.replace("e", "\u0435", 1),
        "a combining mark": good + "\u0301",
        "bytes that are no text": good + "\udcff",
        "itself behind itself": good + good,
        "only its header": head,
        "only dots": "..",
        "nothing but spaces in its parts": " . . ",
        "a long one": f"{head}.{payload * 12}.{mark}"[:5000],
        "its key's prefix": "vk_" + good,
        "null": "null",
        "undefined": "undefined",
        "true": "true",
        "zero": "0",
        "an object": "[object Object]",
    }.items():
        yield Forged(f"spelt with {name}", token)


def forgeries(estate: Estate) -> list[Forged]:
    mint = Mint(estate)
    made = [
        *_headers(mint), *_says(mint, estate), *_times(mint), *_signatures(mint, estate), *_spellings(mint)
    ]  # fmt: skip
    assert all(found.token != mint.good for found in made)
    return made

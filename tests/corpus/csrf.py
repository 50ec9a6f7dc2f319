"""Every call that changes something, by a signed-in browser without the token of its session's own pages."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from tests.corpus import expectations
from tests.corpus.calls import UNSAFE, unsafe
from tests.corpus.cases import Case, control, refused
from tests.corpus.estate import Estate
from tests.corpus.wires import Ask, Headers, ask, http

INVALID: Final = "403 CSRF_INVALID"
HEADER: Final = "X-CSRF-Token"


def wrong_ones(estate: Estate) -> list[tuple[str, Headers]]:
    """What comes in place of the token, by name."""
    admin, token = estate.browsers["admin"], estate.browsers["admin"].csrf
    return [
        ("nothing", ()),
        ("an empty one", ((HEADER, ""),)),
        ("another session's of the same user", ((HEADER, estate.browsers["second of admin"].csrf),)),
        ("another user's", ((HEADER, estate.browsers["supervisor"].csrf),)),
        ("an ended session's", ((HEADER, estate.browsers["ended"].csrf),)),
        ("one cut short", ((HEADER, token[:-1]),)),
        ("half of it", ((HEADER, token[:20]),)),
        ("a letter more", ((HEADER, token + "A"),)),
        ("padding", ((HEADER, token + "="),)),
        ("other capitals", ((HEADER, token.swapcase()),)),
        ("another letter", ((HEADER, ("A" if token[0] != "A" else "B") + token[1:]),)),
        ("itself twice", ((HEADER, f"{token},{token}"),)),
        ("quotes around it", ((HEADER, f'"{token}"'),)),
        ("a wrong one first", ((HEADER, "A" * len(token)), (HEADER, token))),
        ("the cookie's value", ((HEADER, admin.value),)),
        ("an access token", ((HEADER, estate.tokens["admin"]),)),
        ("an API key", ((HEADER, estate.keys["admin"]),)),
        ("its bytes in hexadecimal", ((HEADER, base64.urlsafe_b64decode(token + "=").hex()),)),
        ("zeros", ((HEADER, "A" * len(token)),)),
        ("letters of another script", ((HEADER, "한" * 14),)),
        ("bytes that are no text", ((HEADER, "\udcff" * 43),)),
        ("null", ((HEADER, "null"),)),
        ("another header's name", (("X-XSRF-TOKEN", token),)),
        ("a header's name without dashes", (("XCSRFToken", token),)),
        ("a header's name of Django's", (("X-CSRFToken", token),)),
        ("an underscore in its header's name", (("X_CSRF_Token", token),)),
        ("it in the cookie", (("Cookie", f"{HEADER}={token}; csrf={token}; csrfToken={token}"),)),
        ("a wish to be trusted", (("X-Requested-With", "XMLHttpRequest"),)),
        ("another method's name", (("X-HTTP-Method-Override", "GET"),)),
    ]


def cases(estate: Estate) -> Iterator[Case]:
    admin = estate.browsers["admin"]
    token = admin.csrf
    asking = [f"{method} {path}" for method, path in UNSAFE if (method, path) in expectations.CALLERS]
    all_calls = [(name, asked) for name, asked in unsafe(estate) if name in asking]
    all_calls.append(("POST /api/auth/logout", Ask("POST", "/api/auth/logout")))
    wrong = wrong_ones(estate)
    for at, (name, asked) in enumerate(all_calls):
        signed_in = asked.also(("Cookie", admin.cookie))
        # Who signs out may name a refresh token in the body, which is read first.
        ends = (INVALID, "415 UNSUPPORTED_MEDIA_TYPE") if name.endswith("/logout") else (INVALID,)
        # Every call: without one, another session's, and the others in turn.
        for said, headers in [*wrong[:5], *(wrong[5 + (at + 2 * step) % (len(wrong) - 5)] for step in range(9))]:
            yield refused(f"{name} with {said}", http(signed_in.also(*headers)), INVALID)
        for member in (HEADER, "csrfToken", "_csrf"):
            query = f"{asked.target}{'&' if '?' in asked.target else '?'}{member}={token}"
            yield refused(f"{name} with it in the address as {member}", http(replace(signed_in, target=query)), INVALID)
        form = replace(asked, headers=(("Content-Type", "application/x-www-form-urlencoded"), ("Cookie", admin.cookie)))
        yield refused(f"{name} as a form", http(replace(form, body=f"_csrf={token}".encode())), *ends)
        in_body = ask(asked.method, asked.target, {"csrfToken": token, HEADER: token}, ("Cookie", admin.cookie))
        yield refused(f"{name} with it in the body", http(in_body), INVALID)
        plain = replace(asked, headers=(("Content-Type", "text/plain"), ("Cookie", admin.cookie)))
        yield refused(f"{name} as plain text", http(plain), INVALID)
        other = asked.also(("Cookie", estate.browsers["supervisor"].cookie), (HEADER, token))
        yield refused(f"{name} with an admin's token in a supervisor's session", http(other), INVALID)
    harmless = ask("PATCH", "/api/screens/S-NEAR", {"displayIndex": 0}, *admin.headers)
    yield control("its own token", http(harmless))
    again = replace(harmless, headers=(*harmless.headers[1:], harmless.headers[0]))
    yield control("its own token before everything else", http(again))

"""The calls that change something, each as an administrator would make it: what another site's page would go for."""

from __future__ import annotations

from appliance.core.permissions import CALLS
from tests.corpus import expectations, roles
from tests.corpus.estate import PASSWORD, Estate
from tests.corpus.wires import Ask, Headers, ask

UNSAFE = [call for call in CALLS if call[0] not in {"GET", "*"}]


def unsafe(estate: Estate, headers: Headers = ()) -> list[tuple[str, Ask]]:
    """All of them, by name, with these headers."""
    place = roles.places(estate)[0]
    rightful = {
        "/api/auth/login": {"username": "admin", "password": PASSWORD},
        "/api/auth/refresh": {"refreshToken": estate.refreshes["operator"]},
        "/api/auth/device": {
            "screenId": "S-NEAR",
            "deviceSecret": estate.screens["S-NEAR"]["deviceSecret"],
        },
        "/api/pairing/claim": {"screenId": "S-NEW", "token": estate.others["offer"]},
    }
    found = []
    for method, path in UNSAFE:
        if (method, path) in expectations.CALLERS:
            asked = roles.request_of((method, path), expectations.CALLERS[method, path], place, headers)
        else:
            proof = expectations.PROOFS.get((method, path))
            body = rightful.get(path, proof.body if proof else expectations.OPEN_POSTS[path])
            asked = ask(method, path, body, *headers)
        found.append((f"{method} {path}", asked))
    return found

"""The extension's id is pinned: Chrome derives it from the public key in its manifest."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from appliance.core.managed import EXTENSION_ID
from appliance.edge.origins import EXTENSION

_FILE = Path(__file__).parents[2] / "web" / "extension" / "key.json"


def test_the_id_is_that_of_the_key_in_the_manifest() -> None:
    kept = json.loads(_FILE.read_text())
    der = base64.b64decode(kept["key"], validate=True)
    digits = hashlib.sha256(der).hexdigest()[:32]
    derived = "".join(chr(ord("a") + int(digit, 16)) for digit in digits)
    assert kept["id"] == derived == EXTENSION_ID
    assert f"chrome-extension://{derived}" == EXTENSION
    key = load_der_public_key(der)
    assert isinstance(key, RSAPublicKey)
    assert key.key_size >= 2048
    assert set(kept) == {"key", "id"}, "the private half is nobody's"

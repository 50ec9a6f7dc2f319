"""The certificate that the appliance is served with, in whichever of the two ways: made and renewed here, or a plant's
own files. It is looked after while the appliance runs, and a better one is taken without a restart."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from appliance.adapters.certificates import authority, files
from appliance.adapters.certificates.authority import Pair, names_of, span_of
from appliance.adapters.certificates.contexts import new_context
from appliance.core import certificates as rules
from appliance.errors import Problem
from appliance.errors.system import told
from appliance.paths import DataDir
from appliance.settings import Tls

LOOK_SECONDS: Final = 5.0

_log = structlog.get_logger(__name__)


class Certificates:
    """One appliance's. `owner` (ASCII) tells its certificates from another appliance's in a list of trusted ones;
    `names` gives the host names and addresses it is opened by now, `now` the time in ms since the epoch."""

    def __init__(
        self, tls: Tls, data: DataDir, *, owner: str, names: Callable[[], Iterable[str]], now: Callable[[], int]
    ) -> None:
        self.mode = tls.mode
        self._tls = tls
        self._data = data
        self._owner = owner
        self._names = names
        self._now = now
        self._authority: Pair | None = None
        self._server: x509.Certificate
        self._context: ssl.SSLContext
        self._files: object = None
        self._trouble: str | None = None
        self._uncovered: frozenset[str] = frozenset()
        self._watching: asyncio.Task[None] | None = None

    # --- start and stop ---------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Makes or reads the certificate and begins to look after it. Raises `SETTINGS_INVALID`."""
        names = self._wanted()
        try:
            await asyncio.to_thread(self._take_files if self.mode == "files" else self._make, names)
        except OSError as error:
            where, why = str(self._data.authority.parent), told(error)
            reason = {
                "ko": f"인증서를 저장할 수 없습니다: {why['ko']}.",
                "en": f"Certificates can't be kept there: {why['en']}.",
            }
            values = {"where": where, "reason": reason}
            raise Problem("SETTINGS_INVALID", f"{where}: {why['en']}", values=values) from None
        if self.mode == "files" and files.is_open_to_others(self._tls):
            _log.warning("tls.key_readable_by_others", file=self._tls.key_file)
        self._watching = asyncio.create_task(self._watch(), name="certificates")

    async def stop(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)

    # --- what it is -------------------------------------------------------------------------------------------------

    def context(self) -> ssl.SSLContext:
        """For the next connection; another one after a renewal."""
        return self._context

    @property
    def authority(self) -> x509.Certificate | None:
        """The local CA's certificate, which others are to trust; None with a plant's own files."""
        return self._authority.certificate if self._authority is not None else None

    @property
    def server(self) -> x509.Certificate:
        return self._server

    def fingerprint(self) -> bytes:
        """SHA-256 of what people compare: the local CA's certificate, else the server's own."""
        return (self.authority or self._server).fingerprint(hashes.SHA256())

    def status(self) -> dict[str, Any]:
        """`{"ok", "mode", "until", "names", "missing", "detail"?}`; `until` in ms since the epoch."""
        now, span = self._time(), span_of(self._server)
        missing = self.missing()
        detail = self._trouble
        if detail is None and span.ends - now < rules.ENDS_SOON:
            verb = "ended" if span.ends <= now else "ends"
            detail = f"the certificate {verb} on {span.ends:%Y-%m-%d}"
        if detail is None and self._uncovered:
            detail = (
                f"the local CA may not vouch for {', '.join(sorted(self._uncovered))}; delete {self._data.authority} "
                "and restart to make one that may, which everybody then has to trust anew"
            )
        found: dict[str, Any] = {
            "ok": detail is None,
            "mode": self.mode,
            "until": int(span.ends.timestamp() * 1000),
            "names": sorted(names_of(self._server)),
            "missing": missing,
        }
        if detail is not None:
            found["detail"] = detail
        return found

    def missing(self) -> list[str]:
        """Names and addresses it may be opened by now and that the certificate isn't for."""
        stated = names_of(self._server)
        return sorted(name for name in self._wanted() if not rules.covers(stated, name))

    # --- looking after it -------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.look()

    async def look(self) -> None:
        """Takes a newer certificate where one is due or was laid down; the old one stays where that fails."""
        names = self._wanted()
        try:
            await asyncio.to_thread(self._retake if self.mode == "files" else self._make, names)
            self._trouble = None
        except (Problem, OSError) as error:
            trouble = error.detail if isinstance(error, Problem) else f"a new certificate can't be kept: {error}"
            if trouble != self._trouble:
                _log.warning("tls.not_renewed", reason=trouble)
            self._trouble = trouble

    def _wanted(self) -> frozenset[str]:
        return rules.clean(self._names())

    def _time(self) -> datetime:
        return datetime.fromtimestamp(self._now() / 1000, UTC)

    def _retake(self, names: frozenset[str]) -> None:
        if files.state(self._tls) != self._files:
            self._take_files(names)
            _log.info("tls.taken", until=str(span_of(self._server).ends), names=sorted(names_of(self._server)))

    def _take_files(self, _names: frozenset[str]) -> None:
        state = files.state(self._tls)
        self._server, self._context = files.take(self._tls, self._time())
        self._files = state

    def _make(self, names: frozenset[str]) -> None:
        """Whatever is due now, if anything."""
        now = self._time()
        if self._authority is None:
            self._authority = authority.load(self._data.authority)
        issuer = self._authority
        if issuer is None or rules.authority_is_due(now, issuer.span):
            issuer = authority.make_authority(self._owner, names, now, issuer)
            authority.save(self._data.authority, issuer)
            self._authority = issuer
            _log.warning("tls.authority_made", until=str(issuer.span.ends), sha256=self._digest(issuer))
        networks, domains = authority.permitted(issuer.certificate)
        able = frozenset(name for name in names if rules.is_permitted(name, networks, domains))
        self._uncovered = names - able
        path = self._data.server_certificate
        known = hasattr(self, "_context")
        served = self._server if known else self._kept(path, issuer)
        if served is not None and not rules.server_is_due(now, span_of(served), names_of(served), able):
            if not known:
                self._serve(path, served)
            return
        made = authority.make_server(issuer, self._owner, able, now)
        authority.save(path, made, issuer.certificate)
        self._serve(path, made.certificate)
        _log.info("tls.renewed", until=str(made.span.ends), names=sorted(made.names))

    def _kept(self, path: Path, issuer: Pair) -> x509.Certificate | None:
        """The certificate of the last run; one that is damaged or another CA's is made anew."""
        try:
            kept = authority.load(path)
        except Problem:
            return None
        good = kept is not None and authority.is_signed_by(kept.certificate, issuer.certificate)
        return kept.certificate if good and kept is not None else None

    def _serve(self, path: Path, certificate: x509.Certificate) -> None:
        context = new_context()
        context.load_cert_chain(path)
        self._server, self._context = certificate, context

    @staticmethod
    def _digest(pair: Pair) -> str:
        return rules.grouped(pair.certificate.fingerprint(hashes.SHA256()))

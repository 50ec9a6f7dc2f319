"""Settings: one TOML file, then environment `VOOSTER_<SECTION>_<KEY>`, then command-line flags; the later one wins.

A setting nobody knows or a value that doesn't fit stops the start with the line and the reason (`SETTINGS_INVALID`).
"""

from __future__ import annotations

import functools
import ipaddress
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, field

from appliance.errors import Problem, Texts
from appliance.errors.system import told

Port = Annotated[int, Meta(ge=0, le=65535)]
Natural = Annotated[int, Meta(ge=0)]


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Server(_Section, frozen=True):
    host: str = "0.0.0.0"  # noqa: S104 - serving the factory's LAN is what the appliance is for
    port: Port = 8480
    allowed_hosts: list[str] = field(default_factory=list)
    allowed_origins: list[str] = field(default_factory=list)
    trusted_proxies: list[str] = field(default_factory=list)
    public_url: str = ""
    max_message_bytes: Annotated[int, Meta(ge=1024, le=16 << 20)] = 1 << 20


class Tls(_Section, frozen=True):
    mode: Literal["off", "files", "auto"] = "off"
    cert_file: str = ""
    key_file: str = ""


class Orders(_Section, frozen=True):
    source: Literal["folder", "http", "csv"] = "folder"
    folder: str = ""
    timeout_ms: Annotated[int, Meta(ge=50, le=30_000)] = 1_000
    barcode_pattern: str = ""


class Documents(_Section, frozen=True):
    """`allowed_hosts`: whose documents may be opened by their address; none named: any http or https host's."""

    allowed_hosts: list[str] = field(default_factory=list)


class Delivery(_Section, frozen=True):
    ack_timeout_ms: Annotated[int, Meta(ge=10)] = 5_000
    shown_timeout_ms: Annotated[int, Meta(ge=10)] = 10_000
    max_retries: Annotated[int, Meta(ge=0, le=20)] = 3
    retry_base_ms: Annotated[int, Meta(ge=1)] = 1_000
    ttl_seconds: Annotated[int, Meta(ge=1, le=86_400)] = 600
    queue_dwell_ms: Natural = 3_000
    restore_hours: Natural = 12


class Limits(_Section, frozen=True):
    enabled: bool = True


class Heartbeat(_Section, frozen=True):
    interval_seconds: Annotated[float, Meta(gt=0)] = 20.0
    timeout_seconds: Annotated[float, Meta(gt=0)] = 5.0


class Tokens(_Section, frozen=True):
    access_seconds: Annotated[int, Meta(ge=1)] = 900
    refresh_seconds: Annotated[int, Meta(ge=1)] = 86_400


class Discovery(_Section, frozen=True):
    enabled: bool = True
    name: str = ""
    interfaces: list[str] = field(default_factory=list)


class Log(_Section, frozen=True):
    format: Literal["json", "console"] = "console"
    level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(_Section, frozen=True):
    """Every setting by section; the names are the contract's."""

    server: Server = field(default_factory=Server)
    tls: Tls = field(default_factory=Tls)
    orders: Orders = field(default_factory=Orders)
    documents: Documents = field(default_factory=Documents)
    delivery: Delivery = field(default_factory=Delivery)
    limits: Limits = field(default_factory=Limits)
    heartbeat: Heartbeat = field(default_factory=Heartbeat)
    tokens: Tokens = field(default_factory=Tokens)
    discovery: Discovery = field(default_factory=Discovery)
    log: Log = field(default_factory=Log)


_SECTIONS: dict[str, type[_Section]] = {f.name: f.type for f in msgspec.structs.fields(Settings)}
_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^\s/?#@*\[\]:]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?/?\Z")
_HOST = re.compile(
    r"(?P<below>\*\.)?(?P<host>[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*|\[[0-9a-f:]{2,39}\])(:(?P<port>[1-9]\d{0,4}))?\Z",
    re.IGNORECASE | re.ASCII,
)
_NUMBER = re.compile(r"\d+\Z|0x[0-9a-f]*\Z", re.IGNORECASE | re.ASCII)
"""A last label that makes browsers read a name as an IPv4 address."""
_ENVIRONMENT_PREFIX = "VOOSTER_"

Values = dict[str, dict[str, Any]]


def load(file: Path | None, environment: Mapping[str, str] = os.environ, flags: Values | None = None) -> Settings:
    """Reads and checks all three places. Raises `Problem("SETTINGS_INVALID")` with `where` and `reason`."""
    merged: Values = {}
    origin: dict[tuple[str, str], str] = {}
    for values, where in (_from_file(file), _from_environment(environment), (flags or {}, {})):
        for section, members in values.items():
            for key, value in members.items():
                merged.setdefault(section, {})[key] = value
                origin[section, key] = where.get((section, key), f"--{key.replace('_', '-')}")
    sections: dict[str, Any] = {name: _section(name, members, origin) for name, members in merged.items()}
    found = Settings(**sections)
    if found.tls.mode == "files":
        for key in ("cert_file", "key_file"):
            if not getattr(found.tls, key):
                reason = _texts(
                    f'tls.mode = "files"에는 tls.{key}에 파일 경로가 있어야 합니다.',
                    f'tls.mode = "files" needs a file\'s path in tls.{key}.',
                )
                raise _invalid(origin["tls", "mode"], reason)
    return found


@functools.cache
def _types(section: str) -> dict[str, Any]:
    """The settings of a section, with their types."""
    return {found.name: found.type for found in msgspec.structs.fields(_SECTIONS[section])}


def _section(name: str, members: dict[str, Any], origin: dict[tuple[str, str], str]) -> _Section:
    kind, types = _SECTIONS[name], _types(name)
    for key, value in members.items():
        try:
            msgspec.convert({key: value}, kind, strict=True)
        except msgspec.ValidationError:
            raise _invalid(origin[name, key], _takes(f"{name}.{key}", types[key])) from None
        unfit = _unfit(f"{name}.{key}", value)
        if unfit:
            reason = {language: f"{name}.{key}: {text}" for language, text in unfit.items()}
            raise _invalid(origin[name, key], reason)
    return msgspec.convert(members, kind)


def _takes(setting: str, kind: Any) -> Texts:
    """What a setting of this type may be."""
    shape = msgspec.inspect.type_info(kind)
    if isinstance(shape, msgspec.inspect.LiteralType):
        words = ", ".join(str(value) for value in shape.values)
        ko, en = words, f"one of {words}"
    elif isinstance(shape, msgspec.inspect.BoolType):
        ko, en = "true, false", "true or false"
    elif isinstance(shape, msgspec.inspect.ListType):
        ko, en = '글자 목록, 예: ["a", "b"]', 'a list of texts, like ["a", "b"]'
    elif isinstance(shape, msgspec.inspect.IntType | msgspec.inspect.FloatType):
        ko, en = ("정수", "a whole number") if isinstance(shape, msgspec.inspect.IntType) else ("수", "a number")
        if shape.le is not None:
            ko, en = f"{shape.ge}에서 {shape.le}까지의 {ko}", f"{en} from {shape.ge} to {shape.le}"
        elif shape.gt is not None:
            ko, en = f"{shape.gt}보다 큰 {ko}", f"{en} above {shape.gt}"
        else:
            ko, en = f"{shape.ge} 이상의 {ko}", f"{en} of {shape.ge} or more"
    else:
        ko, en = '따옴표로 묶은 글자, 예: "a"', 'a text in quotes, like "a"'
    return _texts(f"{setting}에 쓸 수 있는 값: {ko}", f"{setting} takes {en}.")


def _unfit(setting: str, value: Any) -> Texts | None:
    """Why a value of the right type still can't be used; None when it can."""
    if setting == "orders.source" and value != "folder":
        return _texts(
            f"이 버전에는 {value} 방식이 없습니다. folder를 써 주세요.",
            f"the source {value} is not part of this version; use folder.",
        )
    each = _UNFIT.get(setting)
    if each is not None:
        return next((unfit for entry in value if (unfit := each(entry))), None)
    if setting == "server.public_url" and value and not _is_address(value):
        return _texts(
            f"{value}: 쓸 수 없는 주소입니다. https://orders.example처럼 써 주세요.",
            f"{value} is no address like https://orders.example.",
        )
    if setting == "orders.barcode_pattern":
        try:
            re.compile(value)
        except re.error as error:
            return _texts(f"정규식이 아닙니다({error}).", f"not a regular expression ({error}).")
    return None


def _unfit_origin(origin: str) -> Texts | None:
    if origin == "*":
        return _texts(
            "*를 쓰면 모든 사이트가 로그인한 사람을 대신할 수 있습니다. https://erp.example처럼 하나씩 써 주세요.",
            "* would let every site act for whoever is signed in; name each one, like https://erp.example.",
        )
    if _ORIGIN.match(origin):
        return None
    return _texts(
        f"{origin}: 쓸 수 없는 출처입니다. https://erp.example처럼 써 주세요.",
        f"{origin} is no origin like https://erp.example.",
    )


def _unfit_proxy(entry: str) -> Texts | None:
    try:
        network = ipaddress.ip_network(entry)
    except ValueError:
        if _is_network(entry):
            whole = ipaddress.ip_network(entry, strict=False)
            return _texts(
                f"{entry}: 네트워크가 아닙니다. {whole}처럼, 또는 주소 하나를 써 주세요.",
                f"{entry} is no network; write {whole}, or one address.",
            )
        return _texts(
            f"{entry}: 127.0.0.1 같은 주소나 192.168.10.0/28 같은 네트워크가 아닙니다.",
            f"{entry} is no address like 127.0.0.1 and no network like 192.168.10.0/28.",
        )
    if network.prefixlen:
        return None
    return _texts(
        f"{entry}: 누구나 자기 주소를 마음대로 말할 수 있게 됩니다. 프록시만 써 주세요.",
        f"{entry} would let everybody say where he comes from; name the proxies alone.",
    )


def _unfit_own_host(entry: str) -> Texts | None:
    found = _HOST.match(entry)
    if found is None or int(found["port"] or 0) > 65535 or not _is_host(found["host"], found["below"]):
        return _texts(
            f"{entry}: 호스트가 아닙니다. orders.example, orders.example:8480, 192.168.10.5, [fd00::5]처럼 써 주세요.",
            f"{entry} is no host; name it like orders.example, orders.example:8480, 192.168.10.5 or [fd00::5].",
        )
    if found["below"]:
        return _texts(f"{entry}: 호스트를 하나씩 써 주세요.", f"{entry}: name each host by itself.")
    if found["host"].lower().rpartition(".")[2] == "local":
        return _texts(
            f"{entry}: .local 이름은 누구나 가질 수 있습니다. Vooster 자신의 이름은 쓰지 않아도 됩니다.",
            f"{entry}: names ending in .local are anybody's to take; the appliance's own is let in without.",
        )
    return None


def _unfit_host(entry: str) -> Texts | None:
    entry = entry.strip()
    found = _HOST.match(entry)
    if _is_network(entry) or (found and int(found["port"] or 0) <= 65535 and _is_host(found["host"], found["below"])):
        return None
    if not entry.isascii():
        return _texts(
            f"{entry}: 한글 같은 문자로 된 이름은 브라우저처럼 xn--로 시작하게 써 주세요.",
            f"{entry}: write a name in another script as browsers do, beginning with xn--.",
        )
    examples = "erp.example, erp.example:8080, *.example, 192.168.10.5, 192.168.10.0/24"
    return _texts(
        f"{entry}: 쓸 수 없는 호스트입니다. 이렇게 써 주세요: {examples}",
        f"{entry} is no host; name it like {examples}",
    )


def _is_host(host: str, below: str | None) -> bool:
    if host.startswith("[") or _NUMBER.match(host.rpartition(".")[2]):
        return not below and _is_network(host.strip("[]"))
    return len(host) <= 253


def _is_network(entry: str) -> bool:
    try:
        ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False
    return True


_UNFIT: Final[dict[str, Callable[[str], Texts | None]]] = {
    "server.allowed_hosts": _unfit_own_host,
    "server.allowed_origins": _unfit_origin,
    "server.trusted_proxies": _unfit_proxy,
    "documents.allowed_hosts": _unfit_host,
}


def _is_address(text: str) -> bool:
    """Whether links that people open can begin with it."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    plain = not (parts.query or parts.fragment or parts.username) and not any(c.isspace() for c in text)
    return plain and parts.scheme in {"http", "https"} and bool(parts.hostname)


def _from_file(file: Path | None) -> tuple[Values, dict[tuple[str, str], str]]:
    if file is None:
        return {}, {}
    try:
        text = file.read_text("utf-8")
        document = tomllib.loads(text)
    except OSError as error:
        why = told(error)
        reason = _texts(f"파일을 읽을 수 없습니다: {why['ko']}.", f"The file can't be read: {why['en']}.")
        raise _invalid(str(file), reason) from None
    except UnicodeDecodeError:
        reason = _texts("UTF-8 텍스트 파일이 아닙니다.", "It is no text file in UTF-8.")
        raise _invalid(str(file), reason) from None
    except tomllib.TOMLDecodeError as error:
        raise _invalid(str(file), _texts(f"TOML로 읽을 수 없습니다: {error}", f"It is no TOML: {error}")) from None
    values: Values = {}
    where: dict[tuple[str, str], str] = {}
    for section, members in document.items():
        if section not in _SECTIONS or not isinstance(members, dict):
            reason = _texts(f"[{section}] 부분은 없습니다.", f"There is no section [{section}].")
            raise _invalid(_line(file, text, section, None), reason)
        known = _types(section).keys()
        for key in members:
            where[section, key] = _line(file, text, section, key)
            if key not in known:
                raise _invalid(where[section, key], _unknown(f"{section}.{key}"))
        values[section] = members
    return values, where


def _line(file: Path, text: str, section: str, key: str | None) -> str:
    """`file, line N` of a section or of a key in it."""
    current, start = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[\s*([^\]]+?)\s*\]", line):
            current = header[1]
            if current == section:
                start = number
        if key and current == section and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line):
            return f"{file}, line {number}"
        if re.match(rf"\s*{re.escape(section)}(\.{re.escape(key or '')})?\s*=", line):
            return f"{file}, line {number}"
    return f"{file}, line {start}" if start else str(file)


def _from_environment(environment: Mapping[str, str]) -> tuple[Values, dict[tuple[str, str], str]]:
    values: Values = {}
    where: dict[tuple[str, str], str] = {}
    for section in _SECTIONS:
        for name, kind in _types(section).items():
            variable = f"{_ENVIRONMENT_PREFIX}{section}_{name}".upper()
            if variable not in environment:
                continue
            where[section, name] = variable
            try:
                value = msgspec.convert(_split(environment[variable], kind), kind, strict=False)
            except msgspec.ValidationError:
                raise _invalid(variable, _takes(f"{section}.{name}", kind)) from None
            values.setdefault(section, {})[name] = value
        # A misspelt one would otherwise do nothing, unseen.
        prefix = f"{_ENVIRONMENT_PREFIX}{section}_".upper()
        known = {prefix + name.upper() for name in _types(section)}
        for variable in environment:
            if variable.startswith(prefix) and variable not in known:
                raise _invalid(variable, _unknown(f"{section}.{variable.removeprefix(prefix).lower()}"))
    return values, where


def _split(text: str, kind: Any) -> Any:
    return [part.strip() for part in text.split(",") if part.strip()] if kind == list[str] else text


def _unknown(setting: str) -> Texts:
    return _texts(f"{setting} 설정은 없습니다.", f"There is no setting {setting}.")


def _texts(ko: str, en: str) -> Texts:
    return {"ko": ko, "en": en}


def _invalid(where: str, reason: Texts) -> Problem:
    return Problem("SETTINGS_INVALID", f"{where}: {reason['en']}", values={"where": where, "reason": reason})

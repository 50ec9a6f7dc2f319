"""The browser extension to take along: zipped with its instructions, and what IT sets for it on many PCs at once."""

from __future__ import annotations

import asyncio
import hashlib
import io
import zipfile
from collections.abc import Awaitable, Callable, Iterator
from functools import cache
from importlib.resources.abc import Traversable

from aiohttp import hdrs, web

from appliance.core import managed
from appliance.core.managed import Managed
from appliance.edge.urls import Urls
from appliance.errors import Problem
from appliance.paths import package_data

_README = """\
Vooster 확장 프로그램

두 번째 모니터에 제작의뢰서를 띄웁니다. 설치하기 (Chrome, Edge, Whale):
1. 이 압축 파일을 옮기거나 지우지 않을 폴더에 풉니다. 예: C:\\Vooster\\extension
   브라우저는 그 폴더에서 바로 실행하므로, 폴더를 지우면 확장 프로그램도 사라집니다.
2. 주소창에 chrome://extensions 를 입력합니다. (Edge: edge://extensions, Whale: whale://extensions)
3. ‘개발자 모드’를 켭니다. 계속 켜 두어야 합니다.
4. ‘압축해제된 확장 프로그램 로드’를 누르고 그 폴더(manifest.json이 있는 폴더)를 고릅니다.
5. 도구 모음의 Vooster 아이콘을 누르고 화면을 따라 합니다.
새 버전: 같은 폴더에 덮어쓰고 확장 프로그램 페이지에서 ‘새로고침’(둥근 화살표)을 누릅니다.
그림과 함께 보기: Vooster 주소의 /extension

----

Vooster extension

It shows work orders on the second monitor. To install it (Chrome, Edge, Whale):
1. Unzip this file into a folder that you won't move or delete, such as C:\\Vooster\\extension
   The browser runs it from there: without the folder the extension is gone.
2. Type chrome://extensions into the address bar. (Edge: edge://extensions, Whale: whale://extensions)
3. Turn "Developer mode" on, and leave it on.
4. Press "Load unpacked" and choose that folder (the one with manifest.json in it).
5. Press the Vooster icon in the toolbar and follow what it says.
A new version: unzip it over the same folder and press "Reload" (the round arrow) on the extensions page.
More about it: /extension at the address of Vooster
"""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_EPOCH = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_PROFILE = "application/x-apple-aspen-config"


def routes(urls: Urls, *, instance_id: str) -> list[web.RouteDef]:
    async def download(request: web.Request) -> web.Response:
        content, tag = await asyncio.to_thread(_zipped)
        headers = {hdrs.CACHE_CONTROL: "no-cache", hdrs.ETAG: f'"{tag}"'}
        if any(known.value in {tag, "*"} for known in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        headers[hdrs.CONTENT_DISPOSITION] = 'attachment; filename="vooster-extension.zip"'
        return web.Response(body=content, content_type="application/zip", headers=headers)

    def policy(write: Callable[[Managed], bytes], kind: str, name: str) -> Handler:
        async def serve(request: web.Request) -> web.Response:
            content = write(Managed(urls.for_phone(request), instance_id))
            disposition = {hdrs.CONTENT_DISPOSITION: f'attachment; filename="{name}"'}
            return web.Response(body=content, content_type=kind, headers=disposition)

        return serve

    return [
        web.get("/extension/vooster-extension.zip", download),
        web.get("/extension/policy.json", policy(managed.as_json, "application/json", "vooster.json")),
        web.get("/extension/policy.mobileconfig", policy(managed.as_profile, _PROFILE, "vooster.mobileconfig")),
        web.get("/extension/policy.reg", policy(managed.as_registry, "text/x-ms-regedit", "vooster.reg")),
    ]


@cache
def _zipped() -> tuple[bytes, str]:
    """The extension as one file, and the tag of its content: the same on every machine that has this version."""
    folder = package_data("static").joinpath("extension")
    if not folder.joinpath("manifest.json").is_file():
        raise Problem("NOT_FOUND", "There is no extension in this build.")
    files = dict(_files(folder))
    # Notepad shows it as it is meant only with the mark and these line ends.
    files["README.txt"] = ("\ufeff" + _README.replace("\n", "\r\n")).encode()
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system, entry.external_attr = _UNIX, 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name], compresslevel=9)
    content = written.getvalue()
    return content, hashlib.sha256(content).hexdigest()[:32]


def _files(folder: Traversable, above: str = "") -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _files(entry, f"{above}{entry.name}/")
        else:
            yield above + entry.name, entry.read_bytes()

"""A policy file for each screen's PC, with the screen's key in it: the extension there is that screen, unasked."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any, Final, Literal

from appliance.cli.common import language, say
from appliance.core import managed
from appliance.core.managed import Managed
from appliance.errors import FieldError, Problem

Form = Literal["reg", "json", "mobileconfig"]
_WRITERS: Final = {"reg": managed.as_registry, "json": managed.as_json, "mobileconfig": managed.as_profile}


class PolicyFiles:
    """The files of one run, in `folder`; `write` leaves each readable by its owner alone."""

    def __init__(self, folder: Path, form: Form) -> None:
        self._folder = folder
        self._form = form
        self._count = 0

    def prepare(self, screen_ids: list[str]) -> None:
        """Makes the folder. Raises `VALIDATION_ERROR`, before any key is made, where the files can't be there."""
        seen: dict[str, str] = {}
        for screen_id in screen_ids:
            other = seen.setdefault(screen_id.lower(), screen_id)
            if other != screen_id:  # on Windows, where they go, these are one name
                raise _unfit(self._folder, f"{other} and {screen_id} would be one file; provision them apart")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            fits = os.access(self._folder, os.W_OK | os.X_OK)
        except OSError as error:
            raise _unfit(self._folder, f"it can't be made: {error.strerror}") from None
        if not fits:
            raise _unfit(self._folder, "it can't be written to")

    def write(self, pairing: dict[str, Any]) -> None:
        """Keeps one screen's file and names it on the output. Raises `VALIDATION_ERROR` where it can't be written."""
        screen_id = pairing["screenId"]
        content = _WRITERS[self._form](
            Managed(pairing["serverUrl"], pairing["instanceId"], screen_id, pairing["deviceSecret"])
        )
        # The prefix keeps names apart that mean something elsewhere: CON.reg, -f.json, .hidden.
        file = self._folder / f"vooster-{screen_id}.{self._form}"
        beside = file.with_name(f"{file.name}.new")
        try:
            beside.unlink(missing_ok=True)
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
            try:
                with os.fdopen(descriptor, "wb") as opened:
                    opened.write(content)
                beside.replace(file)
            except BaseException:
                beside.unlink(missing_ok=True)  # a live secret lies nowhere that nobody was told of
                raise
        except OSError as error:
            reason = f"{file.name} can't be written: {error.strerror}; provision {screen_id} again"
            raise _unfit(self._folder, reason) from None
        self._count += 1
        print(file, flush=True)

    def explain(self) -> None:
        """Says what lies there now, and how to treat it."""
        korean, english = _LAYING[self._form]
        texts = {
            "ko": f"파일 {self._count}개. 파일마다 그 모니터의 열쇠가 들어 있습니다. 각 PC에 자기 파일만 넣고, 넣은 뒤 "
            f"여기에서 지워 주세요.\n{korean}",
            "en": f"{self._count} files. Each holds its screen's key. Give each PC its own file only, and delete it "
            f"here afterwards.\n{english}",
        }
        say(texts[language()])


_LAYING: Final = {
    "reg": (
        "그 PC에서 관리자로: reg import 파일 (그룹 정책이나 배포 도구로도 됩니다)",
        "On that PC, as administrator: reg import FILE (a group policy or your deployment tool does it, too)",
    ),
    "json": (
        f"그 PC의 {' 또는 '.join(managed.JSON_FOLDERS)} 에 복사합니다.",
        f"On that PC, copy it to {' or '.join(managed.JSON_FOLDERS)}",
    ),
    "mobileconfig": (
        "그 Mac에 기기 관리(MDM)로 보내거나, 두 번 눌러 연 뒤 시스템 설정의 프로파일에서 설치합니다.",
        "Send it to that Mac by device management (MDM), or open it there and install it in System Settings, Profiles.",
    ),
}


def _unfit(folder: Path, reason: str) -> Problem:
    return Problem("VALIDATION_ERROR", f"{folder}: {reason}", errors=[FieldError("--policy", reason)])

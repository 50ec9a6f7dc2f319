"""Two real monitors, as far as a program can tell: an X server with two outputs, of which one can be pulled."""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.e2e.floor import until

_TOOLS = ("Xorg", "openbox", "xrandr", "import")
_SHIFT, _ENTER = 0xFFE1, 0xFF0D  # as X names its keys
_SETTINGS = """
Section "Device"
  Identifier "card"
  Driver "dummy"
  VideoRam 256000
EndSection
Section "Monitor"
  Identifier "monitor"
  HorizSync 5.0-1000.0
  VertRefresh 5.0-200.0
  Modeline "1920x1080" 173.00 1920 2048 2248 2576 1080 1083 1088 1120
EndSection
Section "Screen"
  Identifier "screen"
  Device "card"
  Monitor "monitor"
  DefaultDepth 24
  SubSection "Display"
    Depth 24
    Virtual 3840 1080
    Modes "1920x1080"
  EndSubSection
EndSection
"""


def why_no_monitors() -> str | None:
    """What this machine lacks for monitors of its own; None when nothing does."""
    missing = [tool for tool in _TOOLS if not shutil.which(tool)]
    if missing:
        return f"two monitors need {', '.join(missing)} (packages xserver-xorg-core, openbox, x11-xserver-utils, ...)"
    if not all(map(ctypes.util.find_library, ("X11", "Xtst"))):
        return "striking keys needs the libraries of libx11-6 and libxtst6"
    return None if os.geteuid() == 0 else "an X server with a dummy card needs root"


class Monitors:
    """`display` is the X display; monitor 0 stands left of monitor 1, 1920 × 1080 each."""

    def __init__(self, display: str) -> None:
        self.display = display
        self._env = os.environ | {"DISPLAY": display}

    def plug(self) -> None:
        """Monitor 1 is plugged in, right of the other."""
        self._xrandr("--output", "DUMMY1", "--mode", "1920x1080", "--right-of", "DUMMY0")
        self._notice()

    def pull(self) -> None:
        self._xrandr("--output", "DUMMY1", "--off")
        self._notice()

    def type(self, text: str) -> None:
        """Strikes keys as a hand scanner does: digits, capital letters and `-`, then Enter. Who gets them is for the
        window manager to say."""
        with self._hands() as (x11, xtst, display):
            for letter in [*text, _ENTER]:
                symbols = [_SHIFT] if str(letter).isupper() else []
                symbols.append(ord(letter.lower()) if isinstance(letter, str) else letter)
                keys = [x11.XKeysymToKeycode(display, ctypes.c_ulong(symbol)) for symbol in symbols]
                for key, is_down in [(key, 1) for key in keys] + [(key, 0) for key in reversed(keys)]:
                    xtst.XTestFakeKeyEvent(display, key, is_down, ctypes.c_ulong(0))

    def click(self, x: int, y: int) -> None:
        """Presses the mouse's first button there, in px from the first monitor's corner."""
        with self._hands() as (_, xtst, display):
            xtst.XTestFakeMotionEvent(display, -1, x, y, ctypes.c_ulong(0))
            for is_down in (1, 0):
                xtst.XTestFakeButtonEvent(display, 1, is_down, ctypes.c_ulong(0))

    @contextlib.contextmanager
    def _hands(self) -> Iterator[tuple[ctypes.CDLL, ctypes.CDLL, ctypes.c_void_p]]:
        """The X libraries, and a connection whose requests are done when it ends."""
        x11, xtst = ctypes.CDLL("libX11.so.6"), ctypes.CDLL("libXtst.so.6")
        x11.XOpenDisplay.restype = ctypes.c_void_p
        display = ctypes.c_void_p(x11.XOpenDisplay(self.display.encode()))
        assert display, self.display
        yield x11, xtst, display
        x11.XSync(display, 0)
        x11.XCloseDisplay(display)

    def picture(self, path: Path) -> None:
        """Both monitors as they look now."""
        subprocess.run(["import", "-window", "root", str(path)], env=self._env, check=True, timeout=30)

    def name_mode(self) -> None:
        self._xrandr("--addmode", "DUMMY1", "1920x1080")

    def _notice(self) -> None:
        """Asks the card what is plugged in: until somebody does, other programs hear what was so before."""
        self._xrandr("--query")

    def _xrandr(self, *arguments: str) -> None:
        subprocess.run(["xrandr", *arguments], env=self._env, check=True, timeout=10, capture_output=True)

    @property
    def answers(self) -> bool:
        done = subprocess.run(["xrandr"], env=self._env, check=False, timeout=10, capture_output=True)
        return done.returncode == 0 and b"DUMMY1" in done.stdout


@contextlib.contextmanager
def two_monitors() -> Iterator[Monitors]:
    """An X server with a window manager; it ends with the test."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        settings = Path(folder, "xorg.conf")
        settings.write_text(_SETTINGS)
        read, write = os.pipe()
        log = str(Path(folder, "xorg.log"))
        server = subprocess.Popen(
            [
                "Xorg",
                "-displayfd",
                str(write),
                "-config",
                str(settings),
                "-logfile",
                log,
                "-noreset",
                "-nolisten",
                "tcp",
            ],
            pass_fds=(write,),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        stack.callback(_end, server)
        os.close(write)
        with os.fdopen(read) as told:
            number = told.readline().strip()
        assert number, Path(log).read_text()
        monitors = Monitors(f":{number}")
        until(lambda: monitors.answers)
        monitors.name_mode()
        monitors.plug()
        manager = subprocess.Popen(
            ["openbox"],
            env=os.environ | {"DISPLAY": monitors.display},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        stack.callback(_end, manager)
        yield monitors


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

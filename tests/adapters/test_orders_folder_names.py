"""Which names count, on any system."""

from __future__ import annotations

import unicodedata

import pytest

from appliance.adapters.orders_folder import names
from appliance.adapters.orders_folder.place import kind_of


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ORD-1001.pdf", ("ORD-1001", "pdf")),
        ("Ord 1001.JPEG", ("Ord 1001", "jpeg")),
        ("REV.2.html", ("REV.2", "html")),
        ("제작의뢰서 3.png", ("제작의뢰서 3", "png")),
        ("ORD-1001.hwp", ("ORD-1001", "hwp")),
        ("ORD-1001.3dm", ("ORD-1001", "3dm")),
        ("ORD-1.5", None),
        ("ORD-1001", None),
        (".pdf", None),
        ("._ORD-1001.pdf", None),
        ("~$ORD-1001.docx", None),
        (".~lock.ORD-1001.pdf#", None),
        ("ORD-1001.pdf.crdownload", None),
        ("ORD-1001.tmp", None),
        ("ORD-1001.PART", None),
        ("Thumbs.db", None),
        ("desktop.ini", None),
        ("CON.pdf", None),
        ("nul.txt", None),
        ("com1.report.pdf", None),
        ("LPT¹.pdf", None),
        ("AUX .pdf", None),
        ("CONSOLE.pdf", ("CONSOLE", "pdf")),
        ("a\\b.pdf", None),
        ("x.pdf:evil.pdf", None),
        ("x\x00.pdf", None),
        ("x\udce9.pdf", None),
        ("x.pdf ", None),
        ("x.pdf.", None),
        ("x" * 252 + ".pdf", None),
    ],
)
def test_file_names(name: str, expected: tuple[str, str] | None) -> None:
    assert names.split(name) == expected


@pytest.mark.parametrize("name", ["제작의뢰서", "ÄÖÜ straße", "ORD-1001", "Ǆ", "ﬁ"])
def test_keys_do_not_depend_on_case_or_form(name: str) -> None:
    forms = {
        unicodedata.normalize(form, text) for form in ("NFC", "NFD") for text in (name, name.upper(), name.lower())
    }
    assert len({names.key(form) for form in forms}) == 1


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        ("folder:ORD-1001.pdf", "ORD-1001.pdf"),
        ("folder:2026/3월/ORD-1001.pdf", "2026/3월/ORD-1001.pdf"),
        ("ORD-1001.pdf", None),
        ("Folder:ORD-1001.pdf", None),
        ("http://host/ORD-1001.pdf", None),
        ("folder:", None),
        ("folder:../x.pdf", None),
        ("folder:a/../../x.pdf", None),
        ("folder:./x.pdf", None),
        ("folder:a//x.pdf", None),
        ("folder:/etc/x.pdf", None),
        ("folder:\\\\server\\share\\x.pdf", None),
        ("folder://server/share/x.pdf", None),
        ("folder:C:/x.pdf", None),
        ("folder:C:x.pdf", None),
        ("folder:a\\x.pdf", None),
        ("folder:x.pdf:evil", None),
        ("folder:x.pdf::$DATA", None),
        ("folder:x.pdf.", None),
        ("folder:x.pdf ", None),
        ("folder:a./x.pdf", None),
        ("folder:... /x.pdf", None),
        ("folder:con/x.pdf", None),
        ("folder:NUL.pdf", None),
        ("folder:x.pdf\x00.png", None),
        ("folder:x.xlsx", None),
        ("folder:.git/x.pdf", None),
        ("folder:$RECYCLE.BIN/x.pdf", None),
        ("folder:#recycle/x.pdf", None),
    ],
)
def test_refs(ref: str, expected: str | None) -> None:
    assert names.relative(ref) == expected


MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw
30 22 0:26 / /srv/orders rw,relatime shared:2 - cifs //nas/orders rw,vers=3.0
31 22 0:27 / /srv/orders/local rw - tmpfs tmpfs rw
32 22 0:28 / /mnt/with\\040space rw - fuse.sshfs host: rw
33 22 0:29 / /mnt/twice rw - ext4 /dev/sdb1 rw
34 33 0:30 / /mnt/twice rw - nfs4 nas:/twice rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "ext4"),
        ("/srv/ordersheets", "ext4"),
        ("/srv/orders", "cifs"),
        ("/srv/orders/2026", "cifs"),
        ("/srv/orders/local/x", "tmpfs"),
        ("/mnt/with space/x", "fuse.sshfs"),
        ("/mnt/twice", "nfs4"),
    ],
)
def test_the_mount_a_folder_is_on(path: str, kind: str) -> None:
    assert kind_of(path, MOUNTS) == kind

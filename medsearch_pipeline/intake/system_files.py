"""Files that nobody delivered: what operating systems, file servers and programs leave beside people's files, by name.

Belongs here: the one table of their names. Content is never looked at, so a healthy DICOM file under such a name is left out as
well: give it another name. What a file's content decides, such as a DICOMDIR, is decided where it is read.

**Hidden files.** Every object whose name, or a folder of whose key, begins with a dot is left out: `.DS_Store`, the `._…` files
of AppleDouble, `.gitkeep`, `.nfs…`, the unfinished copies of rsync, and all that lies in `.snapshot/` or `.Trash/`.
"""

from __future__ import annotations

NAMES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"})
"""Windows' and macOS' own files, in lower case."""

FOLDERS = frozenset(
    {"__macosx", "@eadir", "@recycle", "#recycle", "#snapshot", "$recycle.bin", "system volume information", "lost+found"}
)
"""Folders of archives, file servers and file systems, in lower case."""

ENDINGS = (".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload", ".lock", ".lck", ".swp", "~")
"""Unfinished copies, locks and backups of editors."""

STARTS = ("~$",)
"""Locks of office programs."""


def is_system_file(key: str) -> bool:
    """Whether an object is left out for its key alone."""
    *folders, name = key.lower().split("/")
    return (
        any(part.startswith(".") for part in (*folders, name))
        or not FOLDERS.isdisjoint(folders)
        or name in NAMES
        or name.endswith(ENDINGS)
        or name.startswith(STARTS)
    )

"""Files that operating systems, file servers and programs leave behind, by name.

Belongs here: the one table of their names. Content is not read, so a valid DICOM file with such a name is excluded too: rename
it. Files that are recognized by content, such as a DICOMDIR, are handled where they are read.

**Hidden files.** Every object is excluded whose name or folder begins with a dot: `.DS_Store`, the `._…` files of AppleDouble,
`.gitkeep`, `.nfs…`, incomplete copies of rsync, and everything in `.snapshot/` or `.Trash/`.
"""

from __future__ import annotations

NAMES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"})
"""Files of Windows and macOS, in lower case."""

FOLDERS = frozenset(
    {"__macosx", "@eadir", "@recycle", "#recycle", "#snapshot", "$recycle.bin", "system volume information", "lost+found"}
)
"""Folders of archives, file servers and file systems, in lower case."""

ENDINGS = (".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload", ".lock", ".lck", ".swp", "~")
"""Incomplete copies, and editors' locks and backups."""

STARTS = ("~$",)
"""Lock files of office programs."""


def is_system_file(key: str) -> bool:
    """Whether an object is excluded by its key alone."""
    *folders, name = key.lower().split("/")
    return (
        any(part.startswith(".") for part in (*folders, name))
        or not FOLDERS.isdisjoint(folders)
        or name in NAMES
        or name.endswith(ENDINGS)
        or name.startswith(STARTS)
    )

"""System calls that a confined worker may not make, with their numbers on x86-64 and 64-bit Arm (asm/unistd_64.h).

Belongs here: what is refused, and why. Not here: how the kernel is told (`seccomp`).
"""

from __future__ import annotations

NETWORK = {
    "socket": (41, 198),
    "socketpair": (53, 199),
    "bind": (49, 200),
    "listen": (50, 201),
    "accept": (43, 202),
    "accept4": (288, 242),
    "connect": (42, 203),
    "io_uring_setup": (425, 425),  # makes the calls above without making them
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
}

OTHER_PROCESSES = {
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "memfd_create": (319, 279),  # its memory counts for no limit of the process
    "memfd_secret": (447, 447),
}

FILES = {
    "creat": (85, None),
    "truncate": (76, 45),
    "rename": (82, None),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "mkdir": (83, None),
    "mkdirat": (258, 34),
    "rmdir": (84, None),
    "unlink": (87, None),
    "unlinkat": (263, 35),
    "link": (86, None),
    "linkat": (265, 37),
    "symlink": (88, None),
    "symlinkat": (266, 36),
    "mknod": (133, None),
    "mknodat": (259, 33),
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "lchown": (94, None),
    "fchown": (93, 55),
    "fchownat": (260, 54),
    "open_by_handle_at": (304, 265),
}

KERNEL = {
    "unshare": (272, 97),
    "setns": (308, 268),
    "chroot": (161, 51),
    "pivot_root": (155, 41),
    "mount": (165, 40),
    "umount2": (166, 39),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
}

REFUSED: dict[str, tuple[int | None, int | None]] = {**NETWORK, **OTHER_PROCESSES, **FILES, **KERNEL}

ABSENT = {"clone3": (435, 435), "openat2": (437, 437)}
"""Answered as by an old kernel, because a filter cannot read their arguments: libraries then use `clone` and `openat`."""

CLONE = (56, 220)
OPEN = (2, None)
OPENAT = (257, 56)
ITSELF_ALONE = {"kill": (62, 129), "tgkill": (234, 131)}
"""Allowed if the first argument is the worker itself: `abort` needs them."""
ITSELF_OR_NONE = {"prlimit64": (302, 261)}
"""Allowed if the first argument is 0: it would set the limits of other processes."""

"""How many CPUs a process may use, from the kernel's files."""

from __future__ import annotations

import pytest

from medsearch_core.machine.cpus import available_cpus, cpus_of, quotas_of


@pytest.mark.parametrize(
    ("count", "bound", "quotas", "expected"),
    [
        (8, None, [], 8),
        (8, 3, [], 3),
        (8, 8, [2.0], 2),
        (8, 8, [2.9], 2),
        (8, 8, [0.5], 1),
        (8, 2, [4.0], 2),
        (8, 8, [6.0, 3.0, 16.0], 3),
        (1, None, [16.0], 1),
    ],
)
def test_the_least_limit_counts(count: int, bound: int | None, quotas: list[float], expected: int) -> None:
    assert cpus_of(count, bound, quotas) == expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, []),
        ({"/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "max 100000\n"}, []),
        ({"/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "150000 100000\n"}, [1.5]),
        (
            {
                "/proc/self/cgroup": "0::/pods/one\n",
                "/sys/fs/cgroup/pods/one/cpu.max": "max 100000\n",
                "/sys/fs/cgroup/pods/cpu.max": "400000 100000\n",
            },
            [4.0],
        ),
        (
            {
                "/proc/self/cgroup": "4:memory:/docker/a\n3:cpu,cpuacct:/docker/a\n",
                "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "200000\n",
                "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            [2.0],
        ),
        (
            {
                "/proc/self/cgroup": "3:cpu,cpuacct:/\n",
                "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            [],
        ),
    ],
)
def test_a_containers_quota_is_read_from_either_version_of_cgroups(files: dict[str, str], expected: list[float]) -> None:
    assert list(quotas_of(files.get)) == expected


def test_this_machine_has_some() -> None:
    assert available_cpus() >= 1

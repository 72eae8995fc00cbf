"""AWS Fargate's task sizes: allowed memory by CPU units."""

from __future__ import annotations

SIZES: dict[int, tuple[int, ...]] = {
    256: (512, 1024, 2048),
    512: tuple(range(1024, 4096 + 1, 1024)),
    1024: tuple(range(2048, 8192 + 1, 1024)),
    2048: tuple(range(4096, 16_384 + 1, 1024)),
    4096: tuple(range(8192, 30_720 + 1, 1024)),
    8192: tuple(range(16_384, 61_440 + 1, 4096)),
    16_384: tuple(range(32_768, 122_880 + 1, 8192)),
}
"""CPU units → MiB (Amazon ECS Developer Guide, "Task definition parameters for Fargate")."""


def faults_of_size(cpu: int, memory: int) -> str:
    """Why CPU units and MiB are not a valid Fargate task size; empty if they are."""
    if cpu not in SIZES:
        return f"Fargate has no tasks of {cpu} CPU units: give one of {', '.join(map(str, SIZES))}"
    if memory not in SIZES[cpu]:
        first, second, *_, last = SIZES[cpu]
        some = f"{first}, {second}, ... {last}"
        return f"Fargate has no tasks of {cpu} CPU units and {memory} MiB: with {cpu} CPU units give one of {some} MiB"
    return ""

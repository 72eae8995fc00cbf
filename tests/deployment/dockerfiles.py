"""Reads a Dockerfile into its stages and instructions; nothing is built."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from tests.support.paths import PROJECT_ROOT

ROOT = PROJECT_ROOT
FOLDER = ROOT / "docker"
IMAGES = ("api", "pipeline", "gpu")


@dataclass(frozen=True)
class Instruction:
    """An instruction in one line, such as `COPY` and `--from=code /opt/code /opt/code`."""

    name: str
    value: str

    @property
    def words(self) -> list[str]:
        """What an exec form lists.

        Raises:
            ValueError: it is a shell form.
        """
        listed: list[str] = json.loads(self.value[self.value.index("[") :])
        return listed


def instructions(image: str) -> list[Instruction]:
    """Every instruction of an image's Dockerfile."""
    text = (FOLDER / f"{image}.Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    whole = "\n".join(lines).replace("\\\n", " ")
    return [Instruction(*re.sub(r"\s+", " ", line).split(" ", 1)) for line in whole.splitlines()]


def last_stage(image: str) -> list[Instruction]:
    """The instructions that make the image itself, its FROM first."""
    every = instructions(image)
    (*_, start) = (at for at, each in enumerate(every) if each.name == "FROM")
    return every[start:]


def only(image: str, name: str) -> Instruction:
    """The one instruction of this name in the last stage."""
    (found,) = [each for each in last_stage(image) if each.name == name]
    return found

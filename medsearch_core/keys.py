"""How a patient and a study are named in partition keys and object paths.

A raw PatientID may contain any character and identifies a person, so it never becomes a key. Where the landing layout already
has safe keys (MIMIC-CXR: `p10000032/s50414267`), those are used; elsewhere keys are keyed hashes, reversible only through the
inventory.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

_SAFE = re.compile(r"[A-Za-z0-9_]{1,64}")


def is_safe(part: str) -> bool:
    """Whether a text may be part of a key: 1 to 64 of A-Z a-z 0-9 _."""
    return _SAFE.fullmatch(part) is not None


@dataclass(frozen=True, order=True, slots=True)
class StudyKey:
    """One imaging study of one patient, in the safe spelling used by partitions and paths.

    Only `[A-Za-z0-9_]` is allowed: Dagster's partition syntax leaves these unquoted, `p10000032/*` selects a patient, and no
    key can escape a folder.

    Raises:
        ValueError: a part holds another character or is longer than 64.
    """

    patient: str
    study: str

    def __post_init__(self) -> None:
        for name, part in (("patient", self.patient), ("study", self.study)):
            if not is_safe(part):
                raise ValueError(f"the {name} part of a study key may hold only A-Z a-z 0-9 _, at most 64 of them")

    @property
    def partition(self) -> str:
        """The Dagster partition key, `patient/study`."""
        return f"{self.patient}/{self.study}"

    @classmethod
    def parse(cls, partition: str) -> StudyKey:
        """The study a partition key names.

        Raises:
            ValueError: it is not `patient/study` in safe characters.
        """
        patient, slash, study = partition.partition("/")
        if not slash:
            raise ValueError("write a study as PATIENT/STUDY, such as p10000032/s50414267")
        return cls(patient, study)

    def __str__(self) -> str:
        return self.partition


def pseudonymous_study_key(patient_id: str, study_instance_uid: str, secret: bytes) -> StudyKey:
    """The key of a study grouped by its DICOM header.

    Keyed BLAKE2b (RFC 7693), because an unkeyed hash of a record number can be reversed by trying them all. A study without
    a PatientID (Type 2, may be empty: PS3.3 C.7.1.1) gets a patient of its own: two unknown people are not merged.
    """
    study = _digest(secret, "study", study_instance_uid)
    if not patient_id.strip():
        return StudyKey(f"u{study}", f"s{study}")
    return StudyKey(f"h{_digest(secret, 'patient', patient_id.strip())}", f"s{study}")


def _digest(secret: bytes, kind: str, value: str) -> str:
    return hashlib.blake2b(f"{kind}:{value}".encode(), key=secret, digest_size=10).hexdigest()


def image_id(sop_instance_uid: str, frame: int, frames: int) -> str:
    """The id of one frame: the SOPInstanceUID, and `_<frame>` (1-based, as PS3.3 numbers frames) if there are several."""
    return sop_instance_uid if frames == 1 else f"{sop_instance_uid}_{frame}"


def uid_of(sha256: str) -> str:
    """A UID (PS3.5 B.2) for what has none, by its SHA-256 in hexadecimal."""
    return f"2.25.{int(sha256[:32], 16)}"


def digest_of(*parts: str) -> str:
    """A digest of texts in order, which shows whether a study's inputs have changed since it was last built."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]

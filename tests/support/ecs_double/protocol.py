"""ECS's JSON protocol as botocore's model of the service tells it: what a request may hold, and how errors are told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape
from botocore.session import Session
from botocore.validate import ParamValidator

SERVICE = Session().get_service_model("ecs")
TARGET = SERVICE.metadata["targetPrefix"]
TAG_TEXT = re.compile(r"[\w\s.:/=+\-@]*")
"""[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*, the pattern of TagKey and TagValue, whose letters and digits are Python's \\w."""


class Refused(Exception):
    """An error of the service, by its code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def checked(operation: str, request: Mapping[str, Any]) -> None:
    """Compares a request with the service's model: members, required ones, types, bounds, enumerations, texts of tags.

    Raises:
        Refused: it does not fit.
    """
    _compare(request, SERVICE.operation_model(operation).input_shape, "InvalidParameterException")


def answered(operation: str, answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """The answer, if it fits the service's model; the double says nothing that ECS could not say."""
    _compare(answer, SERVICE.operation_model(operation).output_shape, "ServerException")
    return answer


def _compare(value: Mapping[str, Any], shape: Shape, code: str) -> None:
    if report := ParamValidator().validate(value, shape).generate_report():
        raise Refused(code, report)
    if faults := _faults(value, shape, shape.name):
        raise Refused(code, "; ".join(faults))


def _faults(value: Any, shape: Shape, at: str) -> list[str]:
    """What botocore's own check leaves to the service."""
    if isinstance(shape, StructureShape):
        return [f for name, each in value.items() for f in _faults(each, shape.members[name], f"{at}.{name}")]
    if isinstance(shape, ListShape):
        return [f for n, each in enumerate(value) for f in _faults(each, shape.member, f"{at}[{n}]")]
    if isinstance(shape, MapShape):
        return [f for name, each in value.items() for f in _faults(each, shape.value, f"{at}[{name}]")]
    if isinstance(shape, StringShape):
        if shape.enum and value not in shape.enum:
            return [f"{at} is {value!r} and none of {', '.join(shape.enum)}"]
        most = {"TagKey": 128, "TagValue": 256}.get(shape.name)
        if most and (len(value) > most or not TAG_TEXT.fullmatch(value)):
            return [f"{at} is {value!r}, which no tag may be"]
    return []

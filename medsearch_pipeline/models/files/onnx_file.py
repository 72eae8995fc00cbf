"""ONNX: protobuf, without code. The normalization is put in front of the file's graph, so that its input is bytes."""

from __future__ import annotations

from typing import Any

import numpy as np

from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.models.metadata import Input

PICTURES = "medsearch_pictures"


def graph_of(name: str, data: bytes, model_input: Input) -> bytes:
    """The model with the normalization in front: uint8 `[n, side, side, 3]` to the output of the file's graph.

    Raises:
        ConfigurationError: onnx is not installed, the file is damaged, or keeps tensors in other files.
    """
    try:
        import onnx
        from google.protobuf.message import DecodeError
        from onnx.external_data_helper import uses_external_data
    except ImportError as error:
        raise ConfigurationError("an ONNX file needs onnx: pip install 'medsearch[onnxruntime]'") from error
    try:
        model = onnx.load_model_from_string(data)
        if any(uses_external_data(tensor) for tensor in _tensors(model.graph)):
            raise ConfigurationError(
                f"{name} keeps tensors in other files, which its SHA-256 does not cover: save it as one file"
            )
        onnx.checker.check_model(model)
    except (DecodeError, ValueError, onnx.checker.ValidationError) as error:
        raise ConfigurationError(f"{name} is not an ONNX model, or damaged") from error
    initial = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in initial]
    if len(inputs) != 1 or not _takes(inputs[0].type.tensor_type.shape.dim, model_input.side):
        raise ConfigurationError(f"{name} must have a single input of float32 [n, 3, {model_input.side}, {model_input.side}]")
    if len(model.graph.output) != 1:
        raise ConfigurationError(f"{name} has {len(model.graph.output)} outputs: export only the part that returns the vector")
    _normalize(model.graph, inputs[0], model_input)
    serialized: bytes = model.SerializeToString()
    return serialized


def _takes(sizes: Any, side: int) -> bool:
    """Whether an input of these sizes accepts `[n, 3, side, side]`; sizes that are not fixed are 0."""
    return len(sizes) == 4 and all(size.dim_value in (0, given) for size, given in zip(sizes[1:], (3, side, side), strict=True))


def _normalize(graph: Any, into: Any, model_input: Input) -> None:
    from onnx import TensorProto, helper, numpy_helper

    constants = {
        "full": np.float32(255),
        "mean": np.array(model_input.mean, np.float32).reshape(3, 1, 1),
        "std": np.array(model_input.std, np.float32).reshape(3, 1, 1),
    }
    graph.initializer.extend(numpy_helper.from_array(np.asarray(v), f"{PICTURES}_{k}") for k, v in constants.items())
    steps = [
        helper.make_node("Transpose", [PICTURES], [f"{PICTURES}_planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", [f"{PICTURES}_planes"], [f"{PICTURES}_floats"], to=TensorProto.FLOAT),
        helper.make_node("Div", [f"{PICTURES}_floats", f"{PICTURES}_full"], [f"{PICTURES}_shares"]),
        helper.make_node("Sub", [f"{PICTURES}_shares", f"{PICTURES}_mean"], [f"{PICTURES}_centred"]),
        helper.make_node("Div", [f"{PICTURES}_centred", f"{PICTURES}_std"], [into.name]),
    ]
    own = list(graph.node)
    del graph.node[:]
    graph.node.extend([*steps, *own])
    first = into.type.tensor_type.shape.dim[0]
    batch = first.dim_value or first.dim_param or "n"
    others = [value for value in graph.input if value.name != into.name]
    del graph.input[:]
    shape = [batch, model_input.side, model_input.side, 3]
    graph.input.extend([helper.make_tensor_value_info(PICTURES, TensorProto.UINT8, shape), *others])


def _tensors(graph: Any) -> Any:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for inner in (attribute.g, *attribute.graphs):
                if inner.node or inner.initializer:
                    yield from _tensors(inner)

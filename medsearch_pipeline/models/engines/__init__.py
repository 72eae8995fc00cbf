"""Engines: what runs a network, each behind the same two calls. torch, OpenVINO and ONNX Runtime are imported here alone."""

import sys

sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # by which OpenVINO tells its makers of each import and model

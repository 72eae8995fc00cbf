"""Engines that run a network, all with the same two calls. Only this package imports OpenVINO and ONNX Runtime."""

import sys

sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # would report each import and model to OpenVINO's makers

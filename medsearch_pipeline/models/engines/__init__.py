"""Engines: what runs a network, each behind the same two calls. torch, OpenVINO and ONNX Runtime are imported here alone."""

"""Sessions over ONNX Runtime; the only place that imports it."""

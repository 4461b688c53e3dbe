"""ONNX models: protobuf walked, nothing run."""

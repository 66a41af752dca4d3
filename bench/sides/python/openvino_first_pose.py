"""Prints a line when OpenVINO has given the pose of one window."""
import json
import sys

import numpy
import openvino

request = json.loads(sys.argv[1])
core = openvino.Core()
model = core.read_model(request["files"]["onnx"])
model.reshape([1, request["frames"], 17, 2])
settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": request["threads"], "INFERENCE_PRECISION_HINT": "f32"}
compiled = core.compile_model(model, "CPU", settings)
pose = compiled(numpy.zeros((1, request["frames"], 17, 2), numpy.float32))[0]
print(pose.size, flush=True)

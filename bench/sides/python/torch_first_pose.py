"""Prints a line when PyTorch has given the pose of one window."""
import json
import sys

import numpy
import torch

import stmo_torch as oracle

request = json.loads(sys.argv[1])
torch.set_num_threads(request["threads"])
model = oracle.Stmo(frames=request["frames"], layers=request["layers"]).eval()
with numpy.load(request["files"]["npz"]) as arrays:
    model.load_state_dict({name.removeprefix("module."): torch.from_numpy(arrays[name]) for name in arrays.files})
with torch.inference_mode():
    pose = model(torch.zeros(1, request["frames"], 17, 2))[0]
print(pose.numel(), flush=True)

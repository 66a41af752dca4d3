"""The oracle trains on samples that the other side chose, and lifts the test windows. First line: the opening, see run.mjs; then {samples,
learningRate} for some steps, or {test} for windows."""
import json
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "sides/python"))
import numpy as np
import torch

import stmo_torch as oracle
from answer import answer_requests


def read_safetensors(path):
    """Arrays by name, mapped, not read; and the metadata."""
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
    metadata = header.pop("__metadata__", {})
    types = {"F32": np.float32, "U8": np.uint8}
    arrays = {}
    for name, entry in header.items():
        start, _ = entry["data_offsets"]
        arrays[name] = np.memmap(path, types[entry["dtype"]], "r", 8 + size + start, tuple(entry["shape"]))
    return arrays, metadata


class Training:
    def __init__(self, request):
        torch.set_num_threads(request["threads"])
        torch.manual_seed(0)
        self.batch, self.frames = request["batch"], request["frames"]
        self.left, self.right = request["left"], request["right"]
        self.model = oracle.Stmo(frames=self.frames)
        for module in self.model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = request["dropout"]
        weights, _ = read_safetensors(request["weights"])
        state = {name: torch.from_numpy(np.array(array)) for name, array in weights.items()}
        missing, unexpected = self.model.load_state_dict(state, strict=False)
        assert not unexpected and all(name.endswith("num_batches_tracked") for name in missing), (missing, unexpected)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3, amsgrad=True)
        self.data, metadata = read_safetensors(request["dataset"])
        self.sequences = {one["name"]: one for one in json.loads(metadata["pstmo.dataset"])["sequences"]}

    def windows(self, samples):
        """Keypoints (B, N, J, 2), normalised, and poses (B, N, J, 3) of [sequence name, centre frame, mirrored]."""
        inputs, targets = [], []
        for name, centre, mirrored in samples:
            about = self.sequences[name]
            rows = np.clip(centre + np.arange(self.frames) - (self.frames - 1) // 2, 0, about["frames"] - 1) + about["start"]
            width, height = about["width"], about["height"]
            x = self.data["keypoints"][rows] / np.float32(width) * 2 - np.array([1, height / width], np.float32)
            y = np.array(self.data["poses"][rows])
            y -= y[:, :1]
            inputs.append(self.mirror(x) if mirrored else x)
            targets.append(self.mirror(y) if mirrored else y)
        return torch.from_numpy(np.stack(inputs).astype(np.float32)), torch.from_numpy(np.stack(targets))

    def mirror(self, points):
        """x becomes -x, left and right change places."""
        points = points.copy() if isinstance(points, np.ndarray) else points.clone()
        points[..., 0] *= -1
        points[..., self.left + self.right, :] = points[..., self.right + self.left, :]
        return points

    def train(self, samples, learning_rate):
        """Total, single and multiple loss of each step."""
        self.model.train()
        self.optimizer.param_groups[0]["lr"] = learning_rate
        losses = []
        for first in range(0, len(samples), self.batch):
            x, y = self.windows(samples[first : first + self.batch])
            single, multiple = self.model(x)
            middle = self.frames // 2
            parts = oracle.mpjpe(single, y[:, middle : middle + 1]), oracle.mpjpe(multiple, y)
            self.optimizer.zero_grad(set_to_none=True)
            sum(parts).backward()
            self.optimizer.step()
            losses.append([sum(parts).item(), parts[0].item(), parts[1].item()])
        return losses

    def test(self, samples):
        """MPJPE in millimetres of the mirrored mean, root at zero."""
        self.model.eval()
        errors = []
        with torch.inference_mode():
            for first in range(0, len(samples), self.batch):
                x, y = self.windows(samples[first : first + self.batch])
                predicted = (self.model(x)[0] + self.mirror(self.model(self.mirror(x))[0])) / 2
                predicted[:, :, 0] = 0
                middle = self.frames // 2
                errors.append((predicted - y[:, middle : middle + 1]).norm(dim=-1).flatten())
        return 1000 * torch.cat(errors).double().mean().item()


class State:
    training = None


def answer(request):
    if "dataset" in request:
        State.training = Training(request)
        return {"name": f"PyTorch {torch.__version__}"}
    if "test" in request:
        return {"errorMm": State.training.test(request["test"])}
    return {"losses": State.training.train(request["samples"], request["learningRate"])}


answer_requests(answer)

"""The forward pass of the oracle in ONNX Runtime, a turn at a time. First line: {task: "forward", frames, batch, threads}, then {steps}."""
import sys
import tempfile
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "peers"))
import onnxruntime
import torch

import stmo_torch as oracle
from lines import answer_requests, peak_resident_bytes


def open_session(frames, batch, threads):
    """Exports the oracle for this very batch size (constants fold best so) and checks that ONNX Runtime computes the same."""
    torch.manual_seed(0)
    model = oracle.Stmo(frames=frames).eval()
    example = torch.randn(batch, frames, 17, 2)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = str(Path(folder) / "model.onnx")
        torch.onnx.export(
            model,
            (example,),
            path,
            dynamo=False,
            opset_version=17,
            input_names=["keypoints"],
            output_names=["single", "multiple"],
        )
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    with torch.inference_mode():
        expected = model(example)
    for ours, theirs in zip(session.run(None, {"keypoints": example.numpy()}), expected):
        assert torch.allclose(torch.from_numpy(ours), theirs, atol=1e-4), "ONNX Runtime does not compute what PyTorch does"
    return session


class State:
    session = None
    x = None


def answer(request):
    if "task" in request:
        State.session = open_session(request["frames"], request["batch"], request["threads"])
        State.x = torch.randn(request["batch"], request["frames"], 17, 2).numpy()
        return {"name": f"ONNX Runtime {onnxruntime.__version__}", "device": f"CPU, {request['threads']} threads"}
    start = time.perf_counter()
    for _ in range(request["steps"]):
        State.session.run(None, {"keypoints": State.x})
    return {"seconds": time.perf_counter() - start, "peakResidentBytes": peak_resident_bytes()}


answer_requests(answer)

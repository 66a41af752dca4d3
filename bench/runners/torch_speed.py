"""Training steps or the forward pass of the oracle in PyTorch, a turn at a time. First line: {task, frames, batch, precision, threads},
then {steps} as often as wanted."""
import platform
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "peers"))
import torch

import stmo_torch as oracle
from lines import answer_requests, peak_resident_bytes


def training_turn(model, frames, batch, autocast):
    """One batch that lies ready: gathering windows costs the peer nothing."""
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, amsgrad=True, fused=True)
    x = torch.randn(batch, frames, 17, 2)
    target = torch.randn(batch, frames, 17, 3)

    def turn(steps):
        for _ in range(steps):
            with autocast:
                single, multiple = model(x)
            loss = oracle.stage2_loss(single.float(), multiple.float(), target, frames // 2)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()

    return turn


def forward_turn(model, frames, batch, autocast):
    model.eval()
    x = torch.randn(batch, frames, 17, 2)

    def turn(steps):
        with torch.inference_mode(), autocast:
            for _ in range(steps):
                model(x)

    return turn


class State:
    turn = None


def answer(request):
    if "task" in request:
        torch.set_num_threads(request["threads"])
        torch.manual_seed(0)
        model = oracle.Stmo(frames=request["frames"])
        make = training_turn if request["task"] == "training" else forward_turn
        autocast = torch.autocast("cpu", dtype=torch.bfloat16, enabled=request["precision"] == "bf16")
        State.turn = make(model, request["frames"], request["batch"], autocast)
        return {"name": f"PyTorch {torch.__version__}", "device": f"CPU, {torch.get_num_threads()} threads, Python {platform.python_version()}"}
    start = time.perf_counter()
    State.turn(request["steps"])
    return {"seconds": time.perf_counter() - start, "peakResidentBytes": peak_resident_bytes()}


answer_requests(answer)

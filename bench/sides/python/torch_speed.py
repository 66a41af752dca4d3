"""Training steps or the forward pass of the oracle in PyTorch, a turn at a time. First line: {task: "training" or "windows", frames,
layers, batch, precision, threads} and for windows {files}, then {steps, case} as often as wanted."""
from contextlib import nullcontext

import numpy
import torch

import stmo_torch as oracle
from answer import answer_turns, faster


def autocast(request):
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=request["precision"] == "bf16")


def training_case(request):
    """One batch that lies ready: gathering windows costs the peer nothing."""
    batch, frames = request["batch"], request["frames"]
    model = oracle.Stmo(frames=frames).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, amsgrad=True, fused=True)
    x = torch.randn(batch, frames, 17, 2)
    target = torch.randn(batch, frames, 17, 3)

    def turn(steps):
        for _ in range(steps):
            with autocast(request):
                single, multiple = model(x)
            loss = oracle.stage2_loss(single.float(), multiple.float(), target, frames // 2)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()

    return turn, {}


def load_model(request):
    """The middle frame's head alone, as the other sides: the per-frame one is replaced by nothing."""
    model = oracle.Stmo(frames=request["frames"], layers=request["layers"])
    with numpy.load(request["files"]["npz"]) as arrays:
        model.load_state_dict({name.removeprefix("module."): torch.from_numpy(arrays[name]) for name in arrays.files})
    model.fcn_1 = torch.nn.Identity()
    model.pose = lambda head, z: None if isinstance(head, torch.nn.Identity) else oracle.Stmo.pose(model, head, z)
    return model.eval()


def windows_case(request):
    batch, frames = request["batch"], request["frames"]
    x = numpy.fromfile(request["files"]["keypoints"], dtype=numpy.float32, count=batch * frames * 34).reshape(batch, frames, 17, 2)
    x = torch.from_numpy(x)
    model = load_model(request)

    def of(module, values, context):
        def turn(steps):
            with torch.inference_mode(), context:
                for _ in range(steps):
                    turn.pose = module(values)[0]

        return turn

    turns = {"autocast" if request["precision"] == "bf16" else "eager": of(model, x, autocast(request))}
    if request["precision"] == "bf16":
        turns["weights and input cast"] = of(load_model(request).bfloat16(), x.bfloat16(), nullcontext())
    setting = faster(turns)
    pose = turns[setting].pose.float().reshape(-1)[:51].tolist()
    return turns[setting], {"setting": setting, "pose": pose}


def open_case(request):
    torch.set_num_threads(request["threads"])
    torch.manual_seed(0)
    turn, about = (training_case if request["task"] == "training" else windows_case)(request)
    return turn, {"name": f"PyTorch {torch.__version__}", "device": f"CPU, {torch.get_num_threads()} threads", **about}


answer_turns(open_case)

"""What PyTorch gives for P-STMO on this machine's GPU: eager and torch.compile (default mode, then max-autotune), with an explicit softmax as
published and with scaled_dot_product_attention, evaluation and Stage II training, a line of JSON a figure.

    python3 bench/sides/python/torch_speed_cuda.py [--device cuda|cpu] [--quick] [--budget SECONDS]

Windows lie on the device and outputs stay there, no mirrored pass: the paper's protocol. fp32 with TF32 off, TF32, bf16 by autocast.
Every figure is the median of five timed rounds after warming up, synchronised. What is wanted most comes first; the budget cuts the rest.
"""
import argparse
import json
import statistics
import time

import torch
import torch._dynamo
from torch.nn import functional

import stmo_torch as oracle

ROUNDS = 5


def fused_attention(self, x):
    """oracle.Attention.forward by PyTorch's fused attention: the same softmax(Q K^T / sqrt(d / H)) V, dropout on its weights."""
    b, n, d = x.shape
    q, k, v = (linear(x).view(b, n, self.heads, -1).transpose(1, 2) for linear in list(self.linears)[:3])
    dropout = self.dropout.p if self.training else 0.0
    out = functional.scaled_dot_product_attention(q, k, v, dropout_p=dropout)
    return self.linears[3](out.transpose(1, 2).reshape(b, n, d))


ATTENTION = {"explicit": oracle.Attention.forward, "fused": fused_attention}


class Bench:
    def __init__(self, device, quick):
        self.device = torch.device(device)
        self.cuda = self.device.type == "cuda"
        self.seconds = 0.1 if quick else 0.5

    def synchronize(self):
        if self.cuda:
            torch.cuda.synchronize()

    def rate(self, step, items):
        for _ in range(2):
            step()
        self.synchronize()
        figures = []
        for _ in range(ROUNDS):
            done, begin = 0, time.perf_counter()
            while done == 0 or time.perf_counter() - begin < self.seconds / ROUNDS:
                step()
                done += 1
                self.synchronize()
            figures.append(items * done / (time.perf_counter() - begin))
        return statistics.median(figures)

    def autocast(self, precision):
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=precision == "bf16")

    def model(self, job):
        """The network with the job's attention, and the same as it is called: eager, or compiled in a mode of torch.compile."""
        oracle.Attention.forward = ATTENTION[job["attention"]]
        torch._dynamo.reset()
        model = oracle.Stmo(frames=job["frames"], layers=job["layers"]).to(self.device)
        return model, model if job["compile"] is None else torch.compile(model, mode=job["compile"])

    def evaluation(self, job):
        frames, batch, precision = job["frames"], job["batch"], job["precision"]
        model, call = self.model(job)
        model.eval()
        x = torch.randn(batch, frames, 17, 2, device=self.device)
        with torch.inference_mode(), self.autocast(precision):
            return self.rate(lambda: call(x), batch)

    def training(self, job):
        frames, batch, precision = job["frames"], job["batch"], job["precision"]
        model, call = self.model(job)
        model.train()
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, amsgrad=True, fused=True)
        x = torch.randn(batch, frames, 17, 2, device=self.device)
        target = torch.randn(batch, frames, 17, 3, device=self.device)

        def step():
            with self.autocast(precision):
                single, multiple = call(x)
            loss = oracle.stage2_loss(single.float(), multiple.float(), target, frames // 2)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()

        return self.rate(step, batch)


def jobs(cuda, quick):
    """What to measure, the most wanted first: bf16 with fused attention, eager and compiled, both stages."""

    def job(what, precision, attention="fused", compile=None, frames=243, layers=3, batch=None):
        batch = batch or (160 if what == "training" else 2304 if cuda else 16)
        return dict(what=what, frames=frames, layers=layers, batch=batch, precision=precision, attention=attention, compile=compile)

    both = ("evaluation", "training")
    if quick:
        small = dict(frames=27, batch=8)
        return [job(what, "fp32", attention, **small) for what in both for attention in ATTENTION]
    first = [job(what, "bf16", compile=mode) for what in both for mode in (None, "default")]
    explicit = [job(what, "bf16", "explicit", mode) for what in both for mode in (None, "default")]
    precisions = [job(what, p) for what in both for p in (["tf32", "fp32"] if cuda else ["fp32"])]
    tuned = [job("evaluation", "bf16", compile="max-autotune")]
    rest = [job("evaluation", "bf16", frames=n, layers=l, batch=b) for n, l, b in [(243, 3, 160), (81, 3, None), (243, 4, None)]]
    return first + explicit + precisions + tuned + rest


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--budget", type=float, default=150)
    arguments = parser.parse_args()
    bench = Bench(arguments.device, arguments.quick)
    begin = time.perf_counter()
    about = {"torch": torch.__version__, "device": torch.cuda.get_device_name() if bench.cuda else "cpu"}
    for job in jobs(bench.cuda, arguments.quick):
        if time.perf_counter() - begin > arguments.budget:
            print(json.dumps({**about, "stopped": "out of time"}), flush=True)
            break
        row = {**about, **job}
        try:
            row["windowsPerSecond"] = round(getattr(bench, job["what"])(job), 1)
        except Exception as error:  # one row must not lose the others
            row["failed"] = str(error)[:300]
        print(json.dumps(row), flush=True)
        torch.cuda.empty_cache() if bench.cuda else None


if __name__ == "__main__":
    main()

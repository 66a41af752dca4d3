"""What PyTorch gives for P-STMO on this machine's GPU: eager and torch.compile, evaluation and Stage II training, a line of JSON a figure.

    python3 bench/sides/python/torch_speed_cuda.py [--device cuda|cpu] [--quick] [--budget SECONDS]

Windows lie on the device and outputs stay there, no mirrored pass: the paper's protocol. fp32 with TF32 off, TF32, bf16 by autocast.
Every figure is the median of five timed rounds after warming up, synchronised. What is wanted most comes first; the budget cuts the rest.
"""
import argparse
import json
import statistics
import time

import torch

import stmo_torch as oracle

ROUNDS = 5


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

    def evaluation(self, frames, layers, batch, precision, compiled):
        model = oracle.Stmo(frames=frames, layers=layers).to(self.device).eval()
        call = torch.compile(model, mode="max-autotune") if compiled else model
        x = torch.randn(batch, frames, 17, 2, device=self.device)
        with torch.inference_mode(), self.autocast(precision):
            return self.rate(lambda: call(x), batch)

    def training(self, frames, layers, batch, precision, compiled):
        model = oracle.Stmo(frames=frames, layers=layers).to(self.device).train()
        call = torch.compile(model) if compiled else model
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
    """(what, frames, layers, batch, precision, compiled)"""
    if quick:
        return [("evaluation", 27, 3, 8, "fp32", False), ("training", 27, 3, 8, "fp32", False)]
    precisions = ["bf16", "tf32", "fp32"] if cuda else ["bf16", "fp32"]
    large = 2304 if cuda else 16
    eager = [("evaluation", 243, 3, large, p, False) for p in precisions]
    eager += [("training", 243, 3, 160, p, False) for p in precisions]
    compiled = [("evaluation", 243, 3, large, "bf16", True), ("training", 243, 3, 160, "bf16", True)]
    rest = [("evaluation", n, l, b, p, False) for n, l, b in [(243, 3, 160), (81, 3, large), (243, 4, large)] for p in precisions]
    return eager + compiled + rest


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--budget", type=float, default=150)
    arguments = parser.parse_args()
    bench = Bench(arguments.device, arguments.quick)
    begin = time.perf_counter()
    about = {"torch": torch.__version__, "device": torch.cuda.get_device_name() if bench.cuda else "cpu"}
    for what, frames, layers, batch, precision, compiled in jobs(bench.cuda, arguments.quick):
        if time.perf_counter() - begin > arguments.budget:
            print(json.dumps({**about, "stopped": "out of time"}), flush=True)
            break
        row = {**about, "what": what, "frames": frames, "layers": layers, "batch": batch, "precision": precision, "compiled": compiled}
        try:
            row["windowsPerSecond"] = round(getattr(bench, what)(frames, layers, batch, precision, compiled), 1)
        except Exception as error:  # one row must not lose the others
            row["failed"] = str(error)[:300]
        print(json.dumps(row), flush=True)
        torch.cuda.empty_cache() if bench.cuda else None


if __name__ == "__main__":
    main()

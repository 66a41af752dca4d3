"""The other end of a Runner, in Python: answers each line of JSON from standard input with one line of JSON."""
import gc
import json
import re
import resource
import sys
import time
from pathlib import Path


def answer_requests(answer):
    out = sys.stdout
    sys.stdout = sys.stderr  # what libraries print must not get between the answers
    for line in sys.stdin:
        try:
            reply = answer(json.loads(line))
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        out.write(json.dumps(reply) + "\n")
        out.flush()


def answer_turns(open_case):
    """Answers {task, ...} by opening a case and {steps, case} by doing that many steps of it. `open_case` gives the function that does
    steps, and what is answered with the case's number."""
    turns = []

    def answer(request):
        if "task" in request:
            turn, about = open_case(request)
            turns.append(turn)
            forget_peak()
            return {**about, "case": len(turns) - 1}
        start = time.perf_counter()
        turns[request.get("case", -1)](request["steps"])
        return {"seconds": time.perf_counter() - start, "peakResidentBytes": peak_resident_bytes()}

    answer_requests(answer)


def faster(turns, seconds=0.3):
    """The name of the fastest of some ways (name -> function that does steps), each given a few steps to show it."""

    def best(turn):
        turn(1)
        times, begin = [], time.perf_counter()
        while not times or (len(times) < 20 and time.perf_counter() - begin < seconds):
            start = time.perf_counter()
            turn(2)
            times.append(time.perf_counter() - start)
        return min(times)

    return min(turns, key=lambda name: best(turns[name]))


def peak_resident_bytes():
    """The most memory that this process had resident, since it forgot."""
    status = Path("/proc/self/status")
    peak = re.search(r"^VmHWM:\s+(\d+) kB$", status.read_text(), re.M) if status.exists() else None
    return (int(peak[1]) if peak else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * 1024


def forget_peak():
    """What was only tried, or needed to open a case, does not count (Linux)."""
    gc.collect()
    clear = Path("/proc/self/clear_refs")
    if clear.exists():
        clear.write_text("5")

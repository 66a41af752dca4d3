"""The other end of a Runner, in Python: answers each line of JSON from standard input with one line of JSON."""
import json
import resource
import sys


def answer_requests(answer):
    out = sys.stdout
    sys.stdout = sys.stderr  # what libraries print must not get between the answers
    for line in sys.stdin:
        out.write(json.dumps(answer(json.loads(line))) + "\n")
        out.flush()


def peak_resident_bytes():
    """The most memory that this process ever had resident."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

"""The forward pass in OpenVINO, a turn at a time. First line: {task: "windows", files, frames, batch, precision, threads}, then {steps}.
Both of its ways to use the threads are tried and the faster one is kept: all of them on one request, or a stream each."""

import numpy
import openvino

from answer import answer_turns, faster

core = openvino.Core()


def compile_model(request, windows, hint, streams):
    model = core.read_model(request["files"]["onnx"])
    model.reshape([windows, request["frames"], 17, 2])
    settings = {
        "PERFORMANCE_HINT": hint,
        "NUM_STREAMS": streams,
        "INFERENCE_NUM_THREADS": request["threads"],
        "INFERENCE_PRECISION_HINT": {"fp32": "f32", "bf16": "bf16"}[request["precision"]],
    }
    return core.compile_model(model, "CPU", settings)


def one_request(request, x):
    infer = compile_model(request, len(x), "LATENCY", 1).create_infer_request()
    infer.set_input_tensor(openvino.Tensor(x, shared_memory=True))

    def turn(steps):
        for _ in range(steps):
            infer.infer()

    turn.pose = lambda: infer.get_output_tensor().data
    turn.input = x  # which the tensor shares and does not keep
    return turn


def a_stream_each(request, x):
    """A step's windows are dealt out to the streams; they stay busy until the last step."""
    streams = request["threads"]
    parts = numpy.split(x, streams)
    queue = openvino.AsyncInferQueue(compile_model(request, len(parts[0]), "THROUGHPUT", streams), streams)

    def turn(steps):
        for _ in range(steps):
            for part in parts:
                queue.start_async({0: part}, share_inputs=True)
        queue.wait_all()

    return turn


def open_case(request):
    batch, frames = request["batch"], request["frames"]
    x = numpy.fromfile(request["files"]["keypoints"], dtype=numpy.float32, count=batch * frames * 34).reshape(batch, frames, 17, 2)
    turns = {"all threads on one request": one_request(request, x)}
    turns["all threads on one request"](1)
    pose = turns["all threads on one request"].pose().ravel()[:51].tolist()
    if batch > 1 and request["threads"] > 1 and batch % request["threads"] == 0:
        turns["a stream a thread"] = a_stream_each(request, x)
    setting = faster(turns)
    version = openvino.__version__.split("-")[0]
    about = {"name": f"OpenVINO {version}", "device": f"CPU, {request['threads']} threads", "setting": setting, "pose": pose}
    return turns[setting], about


answer_turns(open_case)

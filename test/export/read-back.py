"""Reads motion files with other people's programs and compares joints with the places they should have.

Usage: read_back.py TRUTH.json; the JSON lists files with `kind` (c3d, trc, bvh, glb), `path`, `frames` and, by joint name,
`places` (a list of [x, y, z] in metres, y up, for each of `frames`), and the frame of the video at which the motion starts. Prints a line a file: kind, reader, worst in mm.
A reader that is not installed prints "skipped".
"""
import json
import sys


def worst(read, truth):
    return float(max(
        1000 * sum((a - b) ** 2 for a, b in zip(read[name][i], truth[name][i])) ** 0.5
        for name in truth
        for i in range(len(truth[name]))
    ))


def with_ezc3d(entry):
    import ezc3d

    file = ezc3d.c3d(entry["path"])
    assert file["parameters"]["POINT"]["UNITS"]["value"] == ["mm"]
    labels = file["parameters"]["POINT"]["LABELS"]["value"]
    points = file["data"]["points"]
    assert file["header"]["points"]["first_frame"] == entry["start"]
    return {n: [points[:3, labels.index(n), f] / 1000 for f in entry["frames"]] for n in entry["places"]}


def with_c3d(entry):
    import c3d

    with open(entry["path"], "rb") as handle:
        reader = c3d.Reader(handle)
        labels = [label.strip() for label in reader.point_labels]
        assert reader.first_frame == entry["start"] + 1
        frames = [points[:, :3] / 1000 for _, points, _ in reader.read_frames()]
    return {n: [frames[f][labels.index(n)] for f in entry["frames"]] for n in entry["places"]}


def with_opensim(entry):
    import opensim

    table = opensim.TimeSeriesTableVec3(entry["path"])
    assert table.getTableMetaDataString("Units") == "m"
    assert float(table.getTableMetaDataString("DataRate")) == entry["fps"]
    times = table.getIndependentColumn()
    assert all(abs(times[f] - (entry["start"] + f) / entry["fps"]) < 1e-6 for f in entry["frames"])
    labels = list(table.getColumnLabels())
    rows = [table.getRowAtIndex(f) for f in entry["frames"]]
    return {n: [list(row.getElt(0, labels.index(n)).to_numpy()) for row in rows] for n in entry["places"]}


def with_trc(entry):
    import trc

    data = trc.TRCData()
    data.load(entry["path"])
    assert data["Units"] == "m"
    assert data["Frame#"][0] == entry["start"] + 1
    assert abs(data["Time"][0] - entry["start"] / entry["fps"]) < 1e-6
    return {n: [data[n][f] for f in entry["frames"]] for n in entry["places"]}


def with_blender(entry):
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps = entry["fps"]
    if entry["kind"] == "bvh":
        bpy.ops.import_anim.bvh(
            filepath=entry["path"], global_scale=entry["scale"], use_fps_scale=False, axis_forward="-Z", axis_up="Y"
        )
        first = 1
    else:
        bpy.ops.import_scene.gltf(filepath=entry["path"])
        first = 0
    armature = next(o for o in bpy.data.objects if o.type == "ARMATURE")
    read = {name: [] for name in entry["places"]}
    for frame in entry["frames"]:
        bpy.context.scene.frame_set(first + entry["start"] + frame)
        for name in read:
            x, y, z = armature.matrix_world @ armature.pose.bones[name].head
            read[name].append([x, z, -y])
    return read


READERS = {
    "c3d": {"ezc3d": with_ezc3d, "c3d": with_c3d},
    # c3d takes a VAX's 0 (our analogue rate) for -1.7e38, and ezc3d reads no big-endian files.
    "c3d of 85": {"ezc3d": with_ezc3d},
    "c3d of 86": {"c3d": with_c3d},
    "trc": {"opensim": with_opensim, "trc": with_trc},
    "bvh": {"bpy": with_blender},
    "glb": {"bpy": with_blender},
}

for item in json.load(open(sys.argv[1])):
    for reader, read in READERS[item["kind"]].items():
        try:
            __import__(reader)
        except ImportError:
            print(json.dumps({"kind": item["kind"], "reader": reader, "skipped": True}))
            continue
        print(json.dumps({"kind": item["kind"], "rig": item.get("rig"), "reader": reader, "worstMm": worst(read(item), item["places"])}))

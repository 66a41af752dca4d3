// The readers that are fuzzed: one entry a reader. `load` imports a module of the package by its path under lib/.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { keypointSeeds, ownLayout } from './keypoints.mjs';
import { structureReaders } from './structure-seeds.mjs';

/** @typedef {(name: string) => Promise<any>} LoadModule */
/** @typedef {{ below(count: number): number, pick<T>(items: readonly T[]): T }} Dice */
/** @typedef {{ name: string, extension: string, kinds?: string[], seeds: Uint8Array[], mutant?(dice: Dice): Buffer, read(file: string): unknown }} FuzzReader */

const fixtures = path.join(path.resolve(import.meta.dirname, '../..'), 'test/fixtures');

/** Files of the fixtures as seeds. */
function files(...names) {
  return names.map((name) => readFileSync(path.join(fixtures, name)));
}

function formatFiles(...names) {
  return files(...names.map((name) => `formats/${name}`));
}

function protocols(stem, extension) {
  return [0, 1, 2, 3, 4, 5].map((protocol) => `${stem}-protocol${protocol}.${extension}`);
}

const detections = [1, 2, 3].map((frame) => ({
  image_id: `${frame}.jpg`,
  category_id: 1,
  keypoints: Array.from({ length: 51 }, (_, i) => (i % 3 === 2 ? 0.9 : 100 + i * frame)),
  score: 2.5,
  box: [1, 2, 3, 4],
  idx: 1,
}));

const coco = {
  images: [
    { id: 1, width: 640, height: 480 },
    { id: 2, width: 640, height: 480 },
  ],
  annotations: [1, 2].map((id) => ({
    id,
    image_id: id,
    category_id: 1,
    num_keypoints: 17,
    keypoints: Array.from({ length: 51 }, (_, i) => (i % 3 === 2 ? 2 : 50 + i)),
    bbox: [1, 2, 30, 40],
    area: 1200,
  })),
  categories: [{ id: 1, name: 'person' }],
};

const bvh = `HIERARCHY
ROOT Hips
{
  OFFSET 0.0 0.0 0.0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Spine
  {
    OFFSET 0.0 90.0 0.0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 0.0 60.0 0.0
    }
  }
}
MOTION
Frames: 3
Frame Time: 0.0083333
0 90 0 1 2 3 4 5 6
0 91 0 1 2 3 4 5 6
0 92 1 1 2 3 4 5 6
`;

const asf = `:version 1.10
:name test
:units
  mass 1.0
  length 0.45
  angle deg
:root
  order TX TY TZ RX RY RZ
  axis XYZ
  position 0 0 0
  orientation 0 0 0
:bonedata
  begin
    id 1
    name lfemur
    direction 0.34 -0.93 0
    length 7.1
    axis 0 0 20 XYZ
    dof rx ry rz
    limits (-160.0 20.0)
           (-70.0 70.0)
           (-60.0 70.0)
  end
  begin
    id 2
    name ltibia
    direction 0.34 -0.93 0
    length 7.5
    axis 0 0 20 XYZ
    dof rx
    limits (-10.0 170.0)
  end
:hierarchy
  begin
    root lfemur
    lfemur ltibia
  end
`;

const amc = `#!OML:ASF test
:FULLY-SPECIFIED
:DEGREES
1
root 9.3 16.7 -30 -1.9 -0.02 -3.4
lfemur 1 2 3
ltibia 20
2
root 9.4 16.8 -30 -1.9 -0.02 -3.4
lfemur 1 2 4
ltibia 21
`;

const steps = (count) => Float32Array.from({ length: count }, (_, i) => i / 100);

const dataset = {
  name: 'fuzz',
  inputLayout: 'h36m-17',
  outputLayout: 'h36m-17',
  rootJoint: 0,
  source: 'made for the fuzz',
  sequences: ['train', 'test'].map((split) => ({
    ...{ name: `${split}/walk/0`, subject: split, action: 'walk', camera: '0', split, fps: 50, frames: 4 },
    ...{ width: 1000, height: 1000, intrinsics: { fx: 2, fy: 2, cx: 0, cy: 0 } },
    ...{ keypoints: steps(4 * 17 * 2), poses: steps(4 * 17 * 3), root: steps(4 * 3), valid: Uint8Array.of(1, 1, 0, 1) },
  })),
};

/** What `write` writes to the path that it is given. */
async function written(extension, write) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'pstmo-fuzz-seed-'));
  const file = path.join(folder, `seed.${extension}`);
  await write(file);
  const bytes = readFileSync(file);
  rmSync(folder, { recursive: true });
  return bytes;
}

/**
 * One entry a reader: `name`; `extension` of its files; `kinds` of mutation beside bytes and text (`zip`: members are
 * mutated and packed again, `pickle`: opcodes and calls, `packed`: MATLAB's packed variables); `seeds`, files that it
 * reads; `mutant`, which makes one by structure instead; `read`, which may return anything or throw a PoseError.
 * @param {LoadModule} load
 * @returns {Promise<FuzzReader[]>}
 */
export async function fuzzReaders(load) {
  const { readNpy } = await load('formats/numpy/npy');
  const { readNpz } = await load('formats/numpy/npz');
  const { readPickle } = await load('formats/pickle/pickle');
  const { readTorch } = await load('formats/torch/torch');
  const { readSafetensors } = await load('formats/safetensors');
  const { readMat5 } = await load('formats/matlab/mat5');
  const { readMat73 } = await load('formats/matlab/mat73');
  const { sniffFormat } = await load('formats/sniff');
  const { readCustomLayout } = await load('keypoints/custom-layout');
  const { readKeypoints, readPeople } = await load('keypoints/read-keypoints');
  const { readBvh } = await load('datasets/mocap/bvh');
  const { parseAsf, readAmc, readAsf } = await load('datasets/mocap/asf-amc');
  const { readDataset, writeDataset } = await load('datasets/dataset-file');
  const { loadHuman36m } = await load('datasets/human36m/human36m');
  const { loadMpiInf3dhp } = await load('datasets/mpi-inf-3dhp/mpi-inf-3dhp');
  const { readPoses } = await load('export/poses/read-poses');
  const { writePoses } = await load('export/poses/write-poses');
  const { readWeights, writeWeights } = await load('networks/weights');
  const { parseModelConfig } = await load('networks/config');
  const { parseSettings } = await load('training/options');
  const { readCheckpoint } = await load('training/record/checkpoint');
  const { writeSafetensors } = await load('formats/safetensors');
  const { inspectFile } = await load('cli/inspect-file');
  const { writeMotion } = await load('export/write-motion');
  const { readClip } = await load('viewer/read-clip');
  const skeleton = parseAsf(asf, 'seed.asf');
  const npyNames = [
    'version1.npy',
    'version2.npy',
    'version3.npy',
    'objects-numpy1.npy',
    ...protocols('objects', 'npy'),
  ];
  const npzNames = ['numbers.npz', 'fortran.npz', 'texts.npz', 'zip64.npz', 'human36m-2d.npz', 'human36m-3d.npz'];
  const pickleNames = ['python2.pkl', 'bytearray.pkl', ...protocols('plain', 'pkl')];
  const torchZipNames = ['zip.pth', 'checkpoint.pth', 'big-endian.pth'];
  const matNames = ['plain.mat', 'packed.mat', 'big-endian.mat'];
  const oneOfEach = [
    'version1.npy',
    'zip64.npz',
    'zip.pth',
    'legacy.pth',
    'all-types.safetensors',
    'plain.mat',
    'annot_data.mat',
  ];
  const human36m = {
    positions2d: path.join(fixtures, 'formats/human36m-2d.npz'),
    positions3d: path.join(fixtures, 'formats/human36m-3d.npz'),
    trainSubjects: ['S1'],
    testSubjects: ['S9'],
  };
  const lifted = async (extension) => {
    const track = readKeypoints(path.join(fixtures, 'keypoints/videopose-custom.npz'));
    const poses = steps(track.frames * 17 * 3);
    return written(extension, (file) => writePoses(file, { poses, layout: 'h36m-17', model: 'none', track }));
  };
  const config = parseModelConfig({ frames: 9, width: 8, heads: 1 });
  const weights = new Map([['fcn.1.weight', { data: steps(6), shape: [2, 3] }]]);
  const state = {
    ...{ kind: 'finetune', settings: parseSettings({ learningRate: 0.001, select: 'last' }), from: null },
    ...{ dataset: { name: 'fuzz', digest: '0' }, epoch: 1, step: 4, stepInEpoch: 0, lossSums: [0, 0, 0] },
    ...{ best: { epoch: 1, validation: null }, history: [{ loss: 1, validation: null, learningRate: 0.001 }] },
  };
  const texts = { 'pstmo.config': JSON.stringify(config), 'pstmo.checkpoint': JSON.stringify(state) };
  const { kind, settings, from, history, dataset: about, epoch, step } = state;
  const training = JSON.stringify({ kind, settings, from, history, dataset: about, epoch, step, validation: null });
  const trained = { 'pstmo.training': training };
  const model = await written('safetensors', (file) => writeWeights(file, weights, config, trained));
  const checkpoint = await written('safetensors', (file) => writeSafetensors(file, weights, texts));
  const data = await written('safetensors', (file) => writeDataset(file, dataset));
  const motion = (extension) => {
    const own = { frames: 3, layout: 'h36m-17', fps: 50, axes: 'world', root: 'relative', notes: [] };
    return written(extension, (file) => writeMotion(file, { ...own, positions: steps(3 * 17 * 3) }));
  };
  return [
    {
      name: 'npy',
      extension: 'npy',
      kinds: ['pickle'],
      seeds: formatFiles(...npyNames),
      read: (file) => readNpy(file),
    },
    { name: 'npz', extension: 'npz', kinds: ['zip'], seeds: formatFiles(...npzNames), read: (file) => readNpz(file) },
    {
      name: 'pickle',
      extension: 'pkl',
      kinds: ['pickle', 'pickle'],
      seeds: formatFiles(...pickleNames),
      read: (file) => readPickle(readFileSync(file), { where: file }),
    },
    {
      name: 'torch-zip',
      extension: 'pth',
      kinds: ['zip'],
      seeds: formatFiles(...torchZipNames),
      read: (file) => readTorch(file),
    },
    {
      name: 'torch-legacy',
      extension: 'pth',
      kinds: ['pickle'],
      seeds: formatFiles('legacy.pth'),
      read: (file) => readTorch(file),
    },
    {
      name: 'safetensors',
      extension: 'safetensors',
      seeds: formatFiles('all-types.safetensors'),
      read: (file) => readSafetensors(file),
    },
    {
      name: 'mat5',
      extension: 'mat',
      kinds: ['packed'],
      seeds: formatFiles(...matNames),
      read: (file) => readMat5(file),
    },
    {
      name: 'mat73',
      extension: 'mat',
      seeds: formatFiles('annot_data.mat'),
      read: (file) => readMat73(file, { variables: ['annot2', 'univ_annot3', 'valid_frame', 'title', 'cells'] }),
    },
    { name: 'sniff', extension: 'bin', seeds: formatFiles(...oneOfEach), read: (file) => sniffFormat(file) },
    {
      name: 'keypoints-json',
      extension: 'json',
      seeds: [detections, coco].map((content) => Buffer.from(JSON.stringify(content))),
      read: (file) => readKeypoints(file),
    },
    ...Object.entries(keypointSeeds).map(([name, { extension, seeds, options }]) => ({
      name,
      extension,
      seeds,
      read: (file) => readKeypoints(file, options),
    })),
    ...structureReaders(readPeople),
    {
      name: 'layout',
      extension: 'json',
      seeds: [Buffer.from(JSON.stringify(ownLayout))],
      read: (file) => readCustomLayout(file),
    },
    {
      name: 'keypoints-npz',
      extension: 'npz',
      kinds: ['zip'],
      seeds: files('keypoints/videopose-custom.npz', 'keypoints/detectron.npz'),
      read: (file) => readKeypoints(file),
    },
    {
      name: 'poses',
      extension: 'npz',
      kinds: ['zip'],
      seeds: [await lifted('npz'), await lifted('json')],
      read: (file) => readPoses(file),
    },
    ...(await Promise.all(
      ['csv', 'npy', 'trc', 'c3d'].map(async (extension) => ({
        name: `poses-${extension}`,
        extension,
        seeds: [['trc', 'c3d'].includes(extension) ? await motion(extension) : await lifted(extension)],
        read: (file) => readClip(file),
      })),
    )),
    {
      name: 'dataset',
      extension: 'safetensors',
      seeds: [data],
      read: (file) => readDataset(file),
    },
    {
      name: 'human36m-2d',
      extension: 'npz',
      kinds: ['zip'],
      seeds: formatFiles('human36m-2d.npz'),
      read: (file) => loadHuman36m({ ...human36m, positions2d: file }),
    },
    {
      name: 'human36m-3d',
      extension: 'npz',
      kinds: ['zip'],
      seeds: formatFiles('human36m-3d.npz'),
      read: (file) => loadHuman36m({ ...human36m, positions3d: file }),
    },
    {
      name: '3dhp-train',
      extension: 'npz',
      kinds: ['zip'],
      seeds: formatFiles('3dhp-train.npz'),
      read: (file) => loadMpiInf3dhp({ train: file, cameras: ['0'] }),
    },
    {
      name: '3dhp-test',
      extension: 'npz',
      kinds: ['zip'],
      seeds: formatFiles('3dhp-test.npz'),
      read: (file) => loadMpiInf3dhp({ test: file }),
    },
    { name: 'weights', extension: 'safetensors', seeds: [model], read: (file) => readWeights(file) },
    {
      name: 'weights-pth',
      extension: 'pth',
      kinds: ['zip', 'pickle'],
      seeds: files('pth/tiny.pth', 'pth/tiny-legacy.pth'),
      read: (file) => readWeights(file),
    },
    { name: 'checkpoint', extension: 'safetensors', seeds: [checkpoint], read: (file) => readCheckpoint(file) },
    {
      name: 'inspect',
      extension: 'bin',
      kinds: ['zip'],
      seeds: [...formatFiles(...oneOfEach.slice(0, 5)), model, checkpoint, data, Buffer.from(JSON.stringify(coco))],
      read: (file) => inspectFile(file),
    },
    { name: 'bvh', extension: 'bvh', seeds: [Buffer.from(bvh)], read: (file) => readBvh(file) },
    { name: 'asf', extension: 'asf', seeds: [Buffer.from(asf)], read: (file) => readAsf(file) },
    { name: 'amc', extension: 'amc', seeds: [Buffer.from(amc)], read: (file) => readAmc(file, skeleton) },
  ];
}

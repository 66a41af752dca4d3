import { type Accessor, Document, type Node, WebIO } from '@gltf-transform/core';
import { MOTION } from '../base/argument-kinds.js';
import { checkArguments } from '../base/check-arguments.js';
import { smallest } from '../base/lists.js';
import { type Motion, rateOf } from '../motion/motion.js';
import type { Vector } from '../motion/vector.js';
import { add } from '../motion/vector.js';
import type { RigOptions } from './bvh.js';
import { type FittedRig, fitRig } from './fit-rig.js';
import { rigByName } from './rigs.js';
import { stickFigure } from './stick-figure.js';

/**
 * A motion of layout `h36m-17` as a binary glTF file (`.glb`): a skinned stick figure on the rig's skeleton, metres, y up,
 * and one animation named `motion`, whose first key is at the motion's start in the video. In the file's rest pose the figure stands over the origin, facing +z. The scene's extras
 * hold `notes` (what was assumed) and `fit` (the residual in mm). Throws `ERR_ARGUMENT` without a frame rate.
 */
export function writeGlb(motion: Motion, options: RigOptions = {}): Promise<Uint8Array> {
  checkArguments('writeGlb', { motion, options }, MOTION, 'object?');
  return glbOf(fitRig(motion, rigByName(options.rig ?? 'h36m')), rateOf(motion, 'glTF'), motion.notes);
}

/** {@link writeGlb} of a rig that was fitted before. */
export function glbOf(fitted: FittedRig, fps: number, notes: readonly string[] = []): Promise<Uint8Array> {
  const { rig, offsets, residual } = fitted;
  const document = new Document();
  const buffer = document.createBuffer();
  const accessor = (type: 'SCALAR' | 'VEC2' | 'VEC3' | 'VEC4' | 'MAT4', data: Float32Array | Uint16Array): Accessor =>
    document.createAccessor().setType(type).setArray(data).setBuffer(buffer);

  const rest = restPlaces(fitted);
  const nodes = rig.joints.map(({ name, parent }, index) =>
    document.createNode(name).setTranslation([...(parent < 0 ? rest[index] : offsets[index])]),
  );
  rig.joints.forEach(({ parent }, index) => {
    if (parent >= 0) nodes[parent].addChild(nodes[index]);
  });

  const figure = stickFigure(rig, rest);
  const primitive = document
    .createPrimitive()
    .setAttribute('POSITION', accessor('VEC3', figure.positions))
    .setAttribute('NORMAL', accessor('VEC3', figure.normals))
    .setAttribute('COLOR_0', accessor('VEC4', figure.colours))
    .setAttribute('JOINTS_0', accessor('VEC4', figure.joints))
    .setAttribute('WEIGHTS_0', accessor('VEC4', figure.weights))
    .setMaterial(document.createMaterial('figure').setRoughnessFactor(0.8).setMetallicFactor(0));
  const skin = document.createSkin('skeleton').setSkeleton(nodes[0]);
  for (const node of nodes) skin.addJoint(node);
  skin.setInverseBindMatrices(accessor('MAT4', inverseBindMatrices(rest)));
  const mesh = document.createMesh('figure').addPrimitive(primitive);
  const body = document.createNode('figure').setMesh(mesh).setSkin(skin);
  const scene = document.createScene('scene').addChild(nodes[0]).addChild(body);
  scene.setExtras({ notes: [...notes], fit: { meanMm: residual.meanMm, maxMm: residual.maxMm }, rig: rig.name });
  document.getRoot().setDefaultScene(scene);
  document.getRoot().getAsset().generator = 'pstmo';

  animate(document, fitted, nodes, fps, accessor);
  return new WebIO().writeBinary(document);
}

function animate(
  document: Document,
  { rig, frames, start, root, rotations }: FittedRig,
  nodes: readonly Node[],
  fps: number,
  accessor: (type: 'SCALAR' | 'VEC3' | 'VEC4', data: Float32Array) => Accessor,
): void {
  const animation = document.createAnimation('motion');
  const times = accessor(
    'SCALAR',
    Float32Array.from({ length: frames }, (_, frame) => (start + frame) / fps),
  );
  const follow = (node: Node, path: 'translation' | 'rotation', values: Accessor) => {
    const sampler = document.createAnimationSampler().setInput(times).setOutput(values).setInterpolation('LINEAR');
    animation.addSampler(sampler);
    animation.addChannel(document.createAnimationChannel().setTargetNode(node).setTargetPath(path).setSampler(sampler));
  };
  follow(nodes[0], 'translation', accessor('VEC3', root));
  rig.joints.forEach(({ turn }, index) => {
    if (turn.kind !== 'rest')
      follow(nodes[index], 'rotation', accessor('VEC4', Float32Array.from(rotations[index].data)));
  });
}

/** Where the joints are in the rest pose, the lowest of them on the ground. */
function restPlaces({ rig, offsets }: FittedRig): Vector[] {
  const places: Vector[] = [];
  rig.joints.forEach(({ parent }, index) => {
    places.push(parent < 0 ? [0, 0, 0] : add(places[parent], offsets[index]));
  });
  const floor = smallest(places.map(([, y]) => y));
  return places.map((place) => add(place, [0, -floor, 0]));
}

/** The rest pose turns nothing, so each matrix only takes the joint's place away. Column-major. */
function inverseBindMatrices(rest: readonly Vector[]): Float32Array {
  return Float32Array.from(rest.flatMap(([x, y, z]) => [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, -x, -y, -z, 1]));
}

import { validateBytes } from 'gltf-validator';
import { AnimationMixer, type Object3D, type SkinnedMesh, Vector3 } from 'three';
import { GLTFLoader } from 'three/examples/jsm/loaders/GLTFLoader.js';
import { describe, expect, it } from 'vitest';
import { fitRig, rigPositions } from '../../lib/export/fit-rig.js';
import { writeGlb } from '../../lib/export/glb.js';
import { rigByName, rigNames } from '../../lib/export/rigs.js';
import type { Vector } from '../../lib/motion/vector.js';
import { furthestMm, walkingMotion } from '../helpers/motion.js';

const motion = walkingMotion('glb', 60);

describe('writeGlb', () => {
  it.each(rigNames)('%s: is valid glTF and three.js finds the fitted rig in it', async (name) => {
    const bytes = await writeGlb({ ...motion, notes: ['A note.'] }, { rig: name });
    const report = await validateBytes(bytes);
    expect(report.issues.messages).toEqual([]);

    const fitted = fitRig(motion, rigByName(name));
    const data = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
    const { scene, animations } = await new GLTFLoader().parseAsync(data, '');
    expect(scene.userData).toMatchObject({ notes: ['A note.'], rig: name, fit: fitted.residual });
    expect(animations.map((clip) => clip.name)).toEqual(['motion']);
    const figure = scene.getObjectByName('figure') as SkinnedMesh;
    const bones = new Map(figure.skeleton.bones.map((bone) => [bone.name, bone as Object3D]));
    const mixer = new AnimationMixer(scene);
    mixer.clipAction(animations[0]).play();
    for (const frame of [0, 30, 58]) {
      mixer.setTime(frame / 50);
      scene.updateMatrixWorld(true);
      const read = fitted.rig.joints.map((joint): Vector => {
        // three.js drops the colon of Mixamo's names.
        const bone = bones.get(joint.name.replace(':', ''));
        return new Vector3().setFromMatrixPosition((bone as Object3D).matrixWorld).toArray();
      });
      expect(furthestMm(read, rigPositions(fitted, frame))).toBeLessThan(0.1);
    }
  });

  it('holds a figure that stands on the ground in its rest pose', async () => {
    const bytes = await writeGlb(motion, { rig: 'vrm' });
    const { info } = await validateBytes(bytes);
    expect(info.totalTriangleCount).toBeGreaterThan(100);
    expect(info).toMatchObject({ hasSkins: true, animationCount: 1, hasTextures: false });
  });
});

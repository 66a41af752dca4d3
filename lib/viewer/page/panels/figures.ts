import {
  Color,
  CylinderGeometry,
  DynamicDrawUsage,
  Group,
  IcosahedronGeometry,
  InstancedBufferAttribute,
  InstancedMesh,
  Matrix4,
  MeshBasicMaterial,
  MeshLambertMaterial,
  NotEqualStencilFunc,
  ReplaceStencilOp,
} from 'three';
import type { Person } from '../source.js';
import { between, type Colour, errorColour, type Look, type Palette } from '../views/look.js';
import { type Placement, place } from '../views/placement.js';

/** Radii in metres. */
const sizes = { bone: 0.021, joint: 0.026, head: 0.05, truthBone: 0.011, truthJoint: 0.013 };

/** Where light comes from: what stands d above the ground throws its shadow this much aside, x and z. */
const slant = { x: -0.28, z: -0.22 };

interface Bone {
  person: number;
  child: number;
  parent: number;
}

/** People as rods and balls, with the shadows that they throw; one draw call for all rods and one for all balls. */
export class Figures {
  readonly group = new Group();
  readonly #people: readonly Person[];
  readonly #bones: Bone[];
  readonly #rods: InstancedMesh;
  readonly #balls: InstancedMesh;
  readonly #shadow = new MeshBasicMaterial({ transparent: true });
  readonly #truth: boolean;
  /** First joint of each person among all balls. */
  readonly #starts: number[];
  /** (all joints, 3), where they are now. */
  readonly #places: Float32Array;
  readonly #colour = new Color();

  constructor(people: readonly Person[], truth = false) {
    this.#people = people;
    this.#truth = truth;
    this.#bones = people.flatMap(({ skeleton }, person) =>
      skeleton.parents.flatMap((parent, child) => (parent >= 0 ? [{ person, child, parent }] : [])),
    );
    let joints = 0;
    this.#starts = people.map(({ skeleton }) => {
      joints += skeleton.joints.length;
      return joints - skeleton.joints.length;
    });
    this.#places = new Float32Array(joints * 3);
    const material = truth
      ? new MeshLambertMaterial({ transparent: true, opacity: 0.55, depthWrite: false })
      : new MeshLambertMaterial();
    this.#rods = instanced(new InstancedMesh(new CylinderGeometry(1, 1, 1, 10, 1, true), material, this.#bones.length));
    this.#balls = instanced(new InstancedMesh(new IcosahedronGeometry(1, 2), material, joints));
    this.group.add(this.#rods, this.#balls);
    if (!truth) this.group.add(this.#shadows());
  }

  /** The same rods and balls pressed flat onto the ground; each pixel darkens once. */
  #shadows(): Group {
    Object.assign(this.#shadow, { stencilWrite: true, stencilRef: 1, stencilFunc: NotEqualStencilFunc });
    Object.assign(this.#shadow, { stencilZPass: ReplaceStencilOp, depthWrite: false });
    const flat = new Group();
    flat.matrixAutoUpdate = false;
    flat.matrix = new Matrix4().set(1, slant.x, 0, 0, 0, 0, 0, 0.002, 0, slant.z, 1, 0, 0, 0, 0, 1);
    for (const mesh of [this.#rods, this.#balls]) {
      const shadow = new InstancedMesh(mesh.geometry, this.#shadow, mesh.count);
      shadow.instanceMatrix = mesh.instanceMatrix;
      shadow.frustumCulled = false;
      shadow.renderOrder = 1;
      flat.add(shadow);
    }
    return flat;
  }

  /** Where a joint of a person is now; NaN where the person is absent. */
  placeOf(person: number, joint: number): Float32Array {
    const at = (this.#starts[person] + joint) * 3;
    return this.#places.subarray(at, at + 3);
  }

  /** Puts everybody where they are at a frame. */
  move(frame: number, placed: readonly Placement[]): void {
    const { rod, ball } = this.#truth
      ? { rod: sizes.truthBone, ball: sizes.truthJoint }
      : { rod: sizes.bone, ball: sizes.joint };
    const balls = this.#balls.instanceMatrix.array as Float32Array;
    for (const [index, person] of this.#people.entries()) {
      const { joints } = person.skeleton;
      const from = this.#truth ? person.truth : person.positions;
      for (let joint = 0; joint < joints.length; joint++) {
        const ballAt = this.#starts[index] + joint;
        if (from) place(this.#places, ballAt * 3, from, (frame * joints.length + joint) * 3, placed[index]);
        else this.#places.fill(Number.NaN, ballAt * 3, ballAt * 3 + 3);
        const radius = joints[joint] === 'head' && !this.#truth ? sizes.head : ball;
        putBall(balls, ballAt * 16, this.#places, ballAt * 3, radius);
      }
    }
    const rods = this.#rods.instanceMatrix.array as Float32Array;
    for (const [index, { person, child, parent }] of this.#bones.entries()) {
      const start = this.#starts[person];
      putRod(rods, index * 16, this.#places, (start + parent) * 3, (start + child) * 3, rod);
    }
    this.#rods.instanceMatrix.needsUpdate = true;
    this.#balls.instanceMatrix.needsUpdate = true;
  }

  /** Colours everybody; in `error` colours this has to be done for each frame. */
  paint(frame: number, look: Look, palette: Palette, uniform: Colour | undefined): void {
    this.#shadow.color.setRGB(...palette.shadow, 'srgb');
    this.#shadow.opacity = palette.dark ? 0.55 : 0.2;
    for (const [index, person] of this.#people.entries()) {
      const { joints, sides } = person.skeleton;
      const errors = look.colour === 'error' ? (person[look.error] ?? person.aligned) : undefined;
      const quiet =
        (this.#people.length > 1 && index !== look.person ? 0.5 : 0) + (person.state[frame] === 1 ? 0.25 : 0);
      const own = palette.people[index % palette.people.length];
      for (let joint = 0; joint < joints.length; joint++) {
        let colour = look.colour === 'person' ? own : palette.side[sides[joint]];
        if (uniform) colour = uniform;
        else if (errors) colour = errorColour(errors[frame * joints.length + joint] || 0);
        const [red, green, blue] = between(colour, palette.stage, quiet);
        this.#balls.setColorAt(this.#starts[index] + joint, this.#colour.setRGB(red, green, blue, 'srgb'));
      }
    }
    for (const [index, { person, child }] of this.#bones.entries()) {
      this.#balls.getColorAt(this.#starts[person] + child, this.#colour);
      this.#rods.setColorAt(index, this.#colour);
    }
    this.#rods.instanceColor!.needsUpdate = true;
    this.#balls.instanceColor!.needsUpdate = true;
  }
}

function instanced(mesh: InstancedMesh): InstancedMesh {
  mesh.instanceMatrix.setUsage(DynamicDrawUsage);
  mesh.instanceColor = new InstancedBufferAttribute(new Float32Array(mesh.count * 3).fill(1), 3);
  // Places change with every frame: cheaper drawn than looked for.
  mesh.frustumCulled = false;
  return mesh;
}

/** Writes the matrix of a ball; a point that is not known becomes a ball of no size. */
function putBall(out: Float32Array, to: number, places: Float32Array, at: number, radius: number): void {
  const known = Number.isFinite(places[at]);
  const size = known ? radius : 0;
  out.fill(0, to, to + 16);
  out[to] = out[to + 5] = out[to + 10] = size;
  for (let axis = 0; axis < 3; axis++) out[to + 12 + axis] = known ? places[at + axis] : 0;
  out[to + 15] = 1;
}

/** Writes the matrix of a rod from `a` to `b`: its y axis along the bone, the others square to it. */
function putRod(out: Float32Array, to: number, places: Float32Array, a: number, b: number, radius: number): void {
  const [dx, dy, dz] = [places[b] - places[a], places[b + 1] - places[a + 1], places[b + 2] - places[a + 2]];
  const length = Math.hypot(dx, dy, dz);
  out.fill(0, to, to + 16);
  out[to + 15] = 1;
  if (!(length > 1e-6)) return;
  // Square to the bone and to whichever axis lies least along it.
  let [ux, uy, uz] = Math.abs(dy) < 0.9 * length ? [-dz, 0, dx] : [0, dz, -dy];
  const across = radius / Math.hypot(ux, uy, uz);
  [ux, uy, uz] = [ux * across, uy * across, uz * across];
  out[to] = ux;
  out[to + 1] = uy;
  out[to + 2] = uz;
  out[to + 4] = dx;
  out[to + 5] = dy;
  out[to + 6] = dz;
  out[to + 8] = (uy * dz - uz * dy) / length;
  out[to + 9] = (uz * dx - ux * dz) / length;
  out[to + 10] = (ux * dy - uy * dx) / length;
  for (let axis = 0; axis < 3; axis++) out[to + 12 + axis] = (places[a + axis] + places[b + axis]) / 2;
}

import {
  Color,
  DynamicDrawUsage,
  IcosahedronGeometry,
  InstancedBufferAttribute,
  InstancedMesh,
  MeshBasicMaterial,
} from 'three';
import type { Person } from '../source.js';
import { between, type Colour, type Look, type Palette } from './look.js';
import { type Placement, place } from './placement.js';

/** Beads of a trail, the time that it spans, and the radius of the first, metres. */
const beads = 28;
const seconds = 0.75;
const radius = 0.011;

/** Where hands and feet were in the last frames: strings of beads that grow smaller and fainter, dense where they were slow. */
export class Trails {
  readonly mesh: InstancedMesh;
  readonly #people: readonly Person[];
  readonly #followed: { person: number; joint: number }[];
  readonly #step: number;
  readonly #colour = new Color();

  constructor(people: readonly Person[], fps: number) {
    this.#people = people;
    this.#step = Math.max(1, Math.round((seconds * fps) / beads));
    this.#followed = people.flatMap(({ skeleton }, person) =>
      skeleton.joints.flatMap((name, joint) => (/wrist|ankle|hand$|foot$/i.test(name) ? [{ person, joint }] : [])),
    );
    const count = this.#followed.length * beads;
    this.mesh = new InstancedMesh(new IcosahedronGeometry(1, 1), new MeshBasicMaterial(), count);
    this.mesh.instanceMatrix.setUsage(DynamicDrawUsage);
    this.mesh.instanceColor = new InstancedBufferAttribute(new Float32Array(count * 3), 3);
    this.mesh.frustumCulled = false;
  }

  move(frame: number, placed: readonly Placement[]): void {
    const out = this.mesh.instanceMatrix.array as Float32Array;
    out.fill(0);
    let to = 0;
    for (const { person, joint } of this.#followed) {
      const { positions, skeleton } = this.#people[person];
      const joints = skeleton.joints.length;
      const there = Number.isFinite(positions[(frame * joints + joint) * 3]);
      for (let bead = 1; bead <= beads; bead++, to += 16) {
        const at = frame - bead * this.#step;
        const from = (at * joints + joint) * 3;
        out[to + 15] = 1;
        if (!there || at < 0 || !Number.isFinite(positions[from])) continue;
        out[to] = out[to + 5] = out[to + 10] = radius * (1 - bead / (beads + 2));
        place(out, to + 12, positions, from, placed[person]);
      }
    }
    this.mesh.instanceMatrix.needsUpdate = true;
  }

  paint(look: Look, palette: Palette, uniform: Colour | undefined): void {
    let index = 0;
    for (const { person, joint } of this.#followed) {
      const own = palette.people[person % palette.people.length];
      const colour =
        uniform ?? (look.colour === 'person' ? own : palette.side[this.#people[person].skeleton.sides[joint]]);
      const quiet = this.#people.length > 1 && person !== look.person ? 0.6 : 0;
      for (let bead = 1; bead <= beads; bead++, index++) {
        const [red, green, blue] = between(colour, palette.stage, Math.min(1, quiet + 0.15 + (0.75 * bead) / beads));
        this.mesh.setColorAt(index, this.#colour.setRGB(red, green, blue, 'srgb'));
      }
    }
    this.mesh.instanceColor!.needsUpdate = true;
  }
}

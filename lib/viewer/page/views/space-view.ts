import {
  DirectionalLight,
  Fog,
  HemisphereLight,
  PerspectiveCamera,
  Scene,
  Vector2,
  Vector3,
  WebGLRenderer,
} from 'three';
import { OrbitControls } from 'three/examples/jsm/controls/OrbitControls.js';
import { Figures } from '../panels/figures.js';
import type { LoadedScene } from '../source.js';
import { Ground } from './ground.js';
import type { Look, Palette } from './look.js';
import { type Box, groundPosition, type Placement, placements, watched } from './placement.js';
import { Trails } from './trails.js';

/** Directions that the camera looks from. */
const views = {
  start: new Vector3(0.52, 0.3, 1),
  front: new Vector3(0, 0.06, 1),
  side: new Vector3(1, 0.06, 0),
  top: new Vector3(0, 1, 0.001),
} as const;
export type ViewName = keyof typeof views;

interface ResultScene {
  scene: Scene;
  figures: Figures;
  truth: Figures;
  trails: Trails;
  ground: Ground;
}

/** The 3D view: one result, or two beside each other or in one place, under one camera. */
export class SpaceView {
  readonly #scene: LoadedScene;
  readonly #canvas: HTMLCanvasElement;
  readonly #renderer: WebGLRenderer;
  readonly #camera = new PerspectiveCamera(32, 1, 0.05, 200);
  readonly #controls: OrbitControls;
  readonly #scenes: ResultScene[];
  #placed: Placement[][] = [];
  #box: Box = { centre: [0, 0.9, 0], half: [0.5, 0.9, 0.5] };
  readonly #size = new Vector2();
  #moving: { from: Vector3; to: Vector3; start: number } | undefined;

  /** Throws where the browser gives no WebGL. */
  constructor(canvas: HTMLCanvasElement, scene: LoadedScene, redraw: () => void) {
    this.#scene = scene;
    this.#canvas = canvas;
    this.#renderer = new WebGLRenderer({ canvas, antialias: true, stencil: true });
    this.#renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
    this.#renderer.autoClear = false;
    this.#scenes = scene.results.map(({ people }) => resultScene(people, scene.fps));
    this.#controls = new OrbitControls(this.#camera, canvas);
    this.#controls.maxPolarAngle = Math.PI * 0.53;
    this.#controls.zoomToCursor = true;
    this.#controls.addEventListener('change', redraw);
    this.#controls.addEventListener('start', () => {
      this.#moving = undefined;
    });
  }

  /** Finds people's places anew, after `upright` changed, and looks at them from the start. */
  arrange(look: Look): void {
    const { placed, box } = placements(this.#scene, look);
    this.#placed = placed;
    this.#box = box;
    const size = Math.hypot(...box.half);
    this.#controls.minDistance = size * 0.4;
    this.#controls.maxDistance = size * 14;
  }

  /** Turns to a named direction, at once or smoothly. */
  view(name: ViewName, smoothly: boolean): void {
    const centre = new Vector3(...this.#box.centre);
    const direction = views[name].clone().normalize();
    const to = centre.clone().addScaledVector(direction, this.#distance(direction));
    this.#controls.target.copy(centre);
    this.#moving = smoothly ? { from: this.#camera.position.clone(), to, start: performance.now() } : undefined;
    if (!smoothly) this.#camera.position.copy(to);
    this.#controls.update();
  }

  /** Turns by degrees round the people, and up. */
  turn(aside: number, up: number): void {
    this.#controls.rotateLeft((-aside * Math.PI) / 180);
    this.#controls.rotateUp((-up * Math.PI) / 180);
    this.#controls.update();
  }

  closer(factor: number): void {
    const offset = this.#camera.position
      .clone()
      .sub(this.#controls.target)
      .multiplyScalar(1 / factor);
    this.#camera.position.copy(this.#controls.target).add(offset);
    this.#controls.update();
  }

  /** How far away the box of what moves just fits, with a margin. */
  #distance(direction: Vector3): number {
    const { width, height } = this.#parts('split')[0];
    const high = Math.tan((this.#camera.fov * Math.PI) / 360) * 0.88;
    const wide = (high * width) / Math.max(1, height);
    const aside = new Vector3(0, 1, 0).cross(direction).normalize();
    const up = direction.clone().cross(aside);
    let distance = 1;
    for (let corner = 0; corner < 8; corner++) {
      const signs = [corner & 1, corner & 2, corner & 4].map((bit) => (bit ? 1 : -1));
      const place = new Vector3(...this.#box.half.map((half, axis) => half * signs[axis]));
      const reach = Math.max(Math.abs(place.dot(aside)) / wide, Math.abs(place.dot(up)) / high);
      distance = Math.max(distance, reach + place.dot(direction));
    }
    return distance;
  }

  /** The parts of the canvas that results are drawn in. */
  #parts(arrangement: Look['arrangement']): { left: number; width: number; height: number }[] {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const count = arrangement === 'split' ? this.#scenes.length : 1;
    return Array.from({ length: count }, (_, index) => ({
      left: (index * width) / count,
      width: width / count,
      height,
    }));
  }

  /** After the theme, or how things are shown, changed. */
  paint(frame: number, look: Look, palette: Palette): void {
    const overlay = look.arrangement === 'overlay';
    for (const [index, { scene, figures, truth, trails, ground }] of this.#scenes.entries()) {
      const stage = scene.fog as Fog;
      stage.color.setRGB(...palette.stage, 'srgb');
      ground.paint(palette);
      ground.group.visible = look.ground;
      const uniform = overlay && index > 0 ? palette.second : undefined;
      figures.paint(frame, look, palette, uniform);
      truth.paint(frame, look, palette, palette.truth);
      truth.group.visible = look.truth && this.#scene.results[index].people.some((person) => person.truth);
      trails.paint(look, palette, uniform);
      trails.mesh.visible = look.trails;
      // The second result's people are drawn in the first one's scene.
      const home = overlay ? this.#scenes[0].scene : scene;
      home.add(figures.group, truth.group, trails.mesh);
    }
    this.#renderer.setClearColor(this.#scenes[0].scene.fog!.color);
  }

  /** Moves everybody to a frame. */
  move(frame: number, look: Look): void {
    for (const [index, { figures, truth, trails }] of this.#scenes.entries()) {
      figures.move(frame, this.#placed[index]);
      if (truth.group.visible) truth.move(frame, this.#placed[index]);
      if (look.trails) trails.move(frame, this.#placed[index]);
      this.#follow(index, frame, look);
    }
  }

  /** Moves a scene so that the watched person is in its middle, or back; the ground's lines repeat every metre. */
  #follow(index: number, frame: number, look: Look): void {
    const { figures, truth, trails, ground } = this.#scenes[index];
    const { people } = this.#scene.results[index];
    const person = watched(people, look);
    const at = look.follow ? groundPosition(people[person], frame, this.#placed[index][person]) : ([0, 0] as const);
    // Whoever is absent was last seen where the scene is.
    if (at === undefined) return;
    for (const one of [figures.group, truth.group, trails.mesh]) one.position.set(-at[0], 0, -at[1]);
    const [x, , z] = this.#box.centre;
    if (look.follow) ground.group.position.set(-at[0] % 1, 0, -at[1] % 1);
    else ground.group.position.set(Math.round(x), 0, Math.round(z));
  }

  /** Submits the picture. Gives true while the camera is still turning. */
  draw(look: Look): boolean {
    const turning = this.#turn();
    const { clientWidth, clientHeight } = this.#canvas;
    const size = this.#renderer.getSize(this.#size);
    if (size.x !== clientWidth || size.y !== clientHeight) this.#renderer.setSize(clientWidth, clientHeight, false);
    const fog = this.#camera.position.distanceTo(this.#controls.target);
    this.#renderer.setScissorTest(false);
    this.#renderer.clear();
    this.#renderer.setScissorTest(true);
    for (const [index, { left, width, height }] of this.#parts(look.arrangement).entries()) {
      const { scene } = this.#scenes[index];
      (scene.fog as Fog).near = fog;
      (scene.fog as Fog).far = fog + 5 + 2 * Math.hypot(...this.#box.half);
      this.#camera.aspect = width / Math.max(1, height);
      this.#camera.updateProjectionMatrix();
      this.#renderer.setViewport(left, 0, width, height);
      this.#renderer.setScissor(left, 0, width, height);
      this.#renderer.render(scene, this.#camera);
    }
    return turning;
  }

  #turn(): boolean {
    if (!this.#moving) return false;
    const { from, to, start } = this.#moving;
    const share = Math.min(1, (performance.now() - start) / 320);
    const eased = 1 - (1 - share) ** 3;
    // About the target, so that the distance does not shrink on the way.
    const target = this.#controls.target;
    const way = from.clone().sub(target).lerp(to.clone().sub(target), eased);
    const length = from.distanceTo(target) * (1 - eased) + to.distanceTo(target) * eased;
    this.#camera.position.copy(target).add(way.setLength(length));
    if (share >= 1) this.#moving = undefined;
    this.#controls.update();
    return share < 1;
  }
}

function resultScene(people: LoadedScene['results'][number]['people'], fps: number): ResultScene {
  const scene = new Scene();
  scene.fog = new Fog(0x000000, 5, 15);
  const sun = new DirectionalLight(0xffffff, 1.7);
  sun.position.set(1.4, 5, 1.1);
  scene.add(new HemisphereLight(0xffffff, 0x8a94a3, 1.9), sun);
  const ground = new Ground();
  const figures = new Figures(people);
  const truth = new Figures(people, true);
  const trails = new Trails(people, fps);
  scene.add(ground.group);
  return { scene, figures, truth, trails, ground };
}

import {
  BufferGeometry,
  CircleGeometry,
  type Color,
  Float32BufferAttribute,
  Group,
  LineBasicMaterial,
  LineSegments,
  Mesh,
  MeshBasicMaterial,
} from 'three';
import { between, type Palette } from './look.js';

/** How far the ground goes, metres, and where its lines are. */
const extent = 8;
const spacing = 0.5;

/** A grid of half metres that fades into the distance, a metre's lines being stronger. */
export class Ground {
  readonly group = new Group();
  readonly #fine = new LineBasicMaterial();
  readonly #strong = new LineBasicMaterial();
  readonly #disc = new MeshBasicMaterial();

  constructor() {
    const disc = new Mesh(new CircleGeometry(extent * 2, 64), this.#disc);
    disc.rotation.x = -Math.PI / 2;
    disc.position.y = -0.004;
    this.group.add(
      disc,
      lines(this.#fine, (index) => index % 2 !== 0),
      lines(this.#strong, (index) => index % 2 === 0),
    );
  }

  paint(palette: Palette): void {
    const colour = (material: { color: Color }, share: number) =>
      material.color.setRGB(...between(palette.stage, palette.grid, share), 'srgb');
    colour(this.#disc, 0.22);
    colour(this.#fine, 0.55);
    colour(this.#strong, 1);
  }
}

function lines(material: LineBasicMaterial, wanted: (index: number) => boolean): LineSegments {
  const places: number[] = [];
  const most = extent / spacing;
  for (let index = -most; index <= most; index++) {
    if (!wanted(index)) continue;
    const at = index * spacing;
    places.push(at, 0, -extent, at, 0, extent, -extent, 0, at, extent, 0, at);
  }
  const geometry = new BufferGeometry().setAttribute('position', new Float32BufferAttribute(places, 3));
  return new LineSegments(geometry, material);
}

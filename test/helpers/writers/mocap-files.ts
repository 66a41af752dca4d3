/** Small motion capture files with the bones of the real ones, written by the tests. */

/** name, parent, direction, length in inches / 0.45, degrees of freedom. A person who faces +z with arms spread. */
const bones: [name: string, parent: string, direction: number[], length: number, dof: string][] = [
  ['lhipjoint', 'root', [0.7, -0.7, 0], 2, ''],
  ['lfemur', 'lhipjoint', [0, -1, 0], 7, 'rx ry rz'],
  ['ltibia', 'lfemur', [0, -1, 0], 7.5, 'rx'],
  ['rhipjoint', 'root', [-0.7, -0.7, 0], 2, ''],
  ['rfemur', 'rhipjoint', [0, -1, 0], 7, 'rx ry rz'],
  ['rtibia', 'rfemur', [0, -1, 0], 7.5, 'rx'],
  ['lowerback', 'root', [0, 1, 0], 2, 'rx ry rz'],
  ['upperback', 'lowerback', [0, 1, 0], 2, ''],
  ['thorax', 'upperback', [0, 1, 0], 2, ''],
  ['lowerneck', 'thorax', [0, 1, 0], 1.5, ''],
  ['upperneck', 'lowerneck', [0, 1, 0], 1.5, ''],
  ['head', 'upperneck', [0, 1, 0], 1.7, 'rx ry rz'],
  ['lclavicle', 'thorax', [0.95, 0.3, 0], 3.3, ''],
  ['lhumerus', 'lclavicle', [1, 0, 0], 5.3, 'rx ry rz'],
  ['lradius', 'lhumerus', [1, 0, 0], 2.5, 'rx'],
  ['lwrist', 'lradius', [1, 0, 0], 2.5, ''],
  ['rclavicle', 'thorax', [-0.95, 0.3, 0], 3.3, ''],
  ['rhumerus', 'rclavicle', [-1, 0, 0], 5.3, 'rx ry rz'],
  ['rradius', 'rhumerus', [-1, 0, 0], 2.5, 'rx'],
  ['rwrist', 'rradius', [-1, 0, 0], 2.5, ''],
];

export function asfText(): string {
  const data = bones.map(([name, , direction, length, dof], index) => {
    const freedom = dof === '' ? '' : `    dof ${dof}\n    limits (-180.0 180.0)\n`;
    return `  begin\n     id ${index + 1}\n     name ${name}\n     direction ${direction.join(' ')}\n     length ${length}\n     axis 0 0 0 XYZ\n${freedom}  end\n`;
  });
  const links = bones.map(([name, parent]) => `    ${parent} ${name}\n`);
  return (
    ':version 1.10\n:name TEST\n:units\n  mass 1.0\n  length 0.45\n  angle deg\n:root\n   order TX TY TZ RX RY RZ\n' +
    `   axis XYZ\n   position 0 0 0\n   orientation 0 0 0\n:bonedata\n${data.join('')}:hierarchy\n  begin\n${links.join('')}  end\n`
  );
}

/** Frames in which the person walks along z and swings arms and legs. */
export function amcText(frames: number): string {
  const rows = Array.from({ length: frames }, (_, t) => {
    const swing = 30 * Math.sin(t / 20);
    const values: Record<string, number[]> = {
      lfemur: [swing, 0, 0],
      rfemur: [-swing, 0, 0],
      ltibia: [20],
      rtibia: [20],
      lhumerus: [0, 0, -70],
      rhumerus: [0, 0, 70],
    };
    const lines = bones
      .filter(([, , , , dof]) => dof !== '')
      .map(([name, , , , dof]) => `${name} ${(values[name] ?? dof.split(' ').map(() => 0)).join(' ')}`);
    return `${t + 1}\nroot 0 17 ${t / 30} 0 ${t / 10} 0\n${lines.join('\n')}\n`;
  });
  return `#!OML:ASF test\n:FULLY-SPECIFIED\n:DEGREES\n${rows.join('')}`;
}

interface Node {
  name: string;
  offset: [number, number, number];
  children: Node[];
}

function node(name: string, x: number, y: number, z: number, ...children: Node[]): Node {
  return { name, offset: [x, y, z], children };
}

function side(letter: 'l' | 'r', sign: number): Node[] {
  return [node(`${letter}Thigh`, 9 * sign, 0, 0, node(`${letter}Shin`, 0, -40, 0, node(`${letter}Foot`, 0, -42, 0)))];
}

function arm(letter: 'l' | 'r', sign: number): Node {
  return node(
    `${letter}Shldr`,
    16 * sign,
    18,
    0,
    node(`${letter}ForeArm`, 28 * sign, 0, 0, node(`${letter}Hand`, 25 * sign, 0, 0)),
  );
}

const body = node(
  'hip',
  0,
  0,
  0,
  node(
    'abdomen',
    0,
    20,
    0,
    node('chest', 0, 12, 0, node('neck', 0, 22, 0, node('head', 0, 7, 0)), arm('l', 1), arm('r', -1)),
  ),
  ...side('l', 1),
  ...side('r', -1),
);

function nodeText({ name, offset, children }: Node, keyword: string): string {
  const channels =
    keyword === 'ROOT'
      ? '6 Xposition Yposition Zposition Zrotation Yrotation Xrotation'
      : '3 Zrotation Xrotation Yrotation';
  const inside =
    children.length > 0 ? children.map((child) => nodeText(child, 'JOINT')).join('') : 'End Site\n{\nOFFSET 0 5 0\n}\n';
  return `${keyword} ${name}\n{\nOFFSET ${offset.join(' ')}\nCHANNELS ${channels}\n${inside}}\n`;
}

function count({ children }: Node): number {
  return 1 + children.reduce((sum, child) => sum + count(child), 0);
}

/** A cgspeed-like BVH in centimetres at 120 Hz: standing, turning slowly about the upright axis. */
export function bvhText(frames: number): string {
  const rows = Array.from({ length: frames }, (_, t) => {
    const rest = new Array((count(body) - 1) * 3).fill(0);
    return [0, 85, 0, 0, t / 2, 0, ...rest].join(' ');
  });
  return `HIERARCHY\n${nodeText(body, 'ROOT')}MOTION\nFrames: ${frames}\nFrame Time: 0.008333\n${rows.join('\n')}\n`;
}

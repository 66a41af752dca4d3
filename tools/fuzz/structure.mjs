// Changes detectors' files by their structure: fields and columns dropped, nested, repeated, nulled, reordered. Each point of
// a seed tells by its place whose, which frame's and which joint it is, so that a reading can be held to the file.

/** Frames and people of a seed; a person's joints are below each other, the people far apart. */
export const FRAMES = 8;
const PEOPLE = [300, 1100];
const FRAME_STEP = 4;
const JOINT_STEP = 20;
const TOP = 50;
export const SIZE = { width: 1920, height: 1080 };

/** The place of a joint: x tells person and frame, y the joint. */
export function placeOf(person, frame, joint) {
  return [PEOPLE[person] + FRAME_STEP * frame + (joint % 2), TOP + JOINT_STEP * joint];
}

/** Whose, which frame's and which joint a place is; undefined for a place of none. */
export function ownerOf(x, y) {
  const joint = Math.round((y - TOP) / JOINT_STEP);
  const person = x > (PEOPLE[0] + PEOPLE[1]) / 2 ? 1 : 0;
  const frame = Math.round((x - PEOPLE[person] - (joint % 2)) / FRAME_STEP);
  const [px, py] = placeOf(person, frame, joint);
  return Math.abs(px - x) < 1 && Math.abs(py - y) < 1 ? { person, frame, joint } : undefined;
}

/**
 * The points of a reading that were found, as "person/frame/joint"; what stands elsewhere than it belongs (`wrong`), whose
 * points are in one track or in two (`mixed`), and the first and last frame.
 */
export function pointsOf(tracks) {
  const points = new Set();
  const wrong = [];
  const mixed = [];
  const trackOf = new Map();
  let [first, last] = [FRAMES, -1];
  for (const [index, { keypoints, confidence, frameIds, frames, joints }] of tracks.entries()) {
    for (let frame = 0; frame < frames; frame++) {
      const number = Number(/(\d+)\D*$/.exec(frameIds[frame].replace(/\.[a-z]+$/i, ''))?.[1]);
      for (let joint = 0; joint < joints; joint++) {
        const at = frame * joints + joint;
        if (!(confidence[at] > 0)) continue;
        const owner = ownerOf(keypoints[at * 2], keypoints[at * 2 + 1]);
        if (owner === undefined) {
          wrong.push(`a point at ${keypoints[at * 2]}, ${keypoints[at * 2 + 1]} that the file has not`);
          continue;
        }
        if (owner.joint !== joint) wrong.push(`joint ${owner.joint} as ${joint}`);
        if (owner.frame !== number) wrong.push(`frame ${owner.frame} as ${number}`);
        if ((trackOf.get(index) ?? owner.person) !== owner.person) mixed.push(`two people in track ${index}`);
        trackOf.set(index, owner.person);
        points.add(`${owner.person}/${owner.frame}/${owner.joint}`);
        first = Math.min(first, owner.frame);
        last = Math.max(last, owner.frame);
      }
    }
  }
  if (new Set(trackOf.values()).size < trackOf.size) mixed.push('one person in two tracks');
  return { points, wrong, mixed, first, last };
}

/**
 * Throws an error, which is no PoseError, where a reading has a point at another joint or frame than the seed's, or, without
 * a further notice, at another person or not at all. A file cannot tell that frames at its ends are gone.
 */
export function holdTo(expected, tracks, describe) {
  const { points, wrong, mixed, first, last } = pointsOf(tracks);
  if (wrong.length > 0) throw new Error(`silently: ${wrong[0]} (${wrong.length} in all); ${describe()}`);
  if (tracks.some(({ notices }) => notices.some((notice) => !expected.notices.has(notice)))) return;
  if (mixed.length > 0) throw new Error(`silently: ${mixed[0]}; ${describe()}`);
  const lost = [...expected.points].filter((point) => {
    const frame = Number(point.split('/')[1]);
    return !points.has(point) && frame >= first && frame <= last;
  });
  if (lost.length > 0) throw new Error(`silently: lost ${lost.length} points, as ${lost[0]}; ${describe()}`);
}

/** Whether the order of a list has a meaning: numbers, rows of numbers, texts; `ordered` names others by their field. */
function isOrdered(list, name, ordered) {
  const [first] = list;
  return typeof first !== 'object' || Array.isArray(first) || first === null || ordered.includes(name);
}

/** Every place of a value that may be changed: the container and the key in it. */
function placesIn(value, ordered, name = '', found = []) {
  if (typeof value !== 'object' || value === null) return found;
  const list = Array.isArray(value);
  const fixed = list && isOrdered(value, name, ordered);
  const frames = list && ordered.includes(name);
  for (const key of Object.keys(value)) {
    found.push({ container: value, key: list ? Number(key) : key, list, fixed, frames });
    placesIn(value[key], ordered, list ? name : key, found);
  }
  return found;
}

function shuffled(list, dice) {
  const items = [...list];
  for (let at = items.length - 1; at > 0; at--) {
    const other = dice.below(at + 1);
    [items[at], items[other]] = [items[other], items[at]];
  }
  return items;
}

const jsonChanges = {
  dropped({ container, key, list, frames }) {
    // A frame that nothing numbers cannot be dropped without the others moving up.
    if (frames) container[key] = [];
    else if (list) container.splice(key, 1);
    else delete container[key];
  },
  nulled({ container, key }, dice) {
    container[key] = dice.pick([null, null, [], {}]);
  },
  nested({ container, key }, dice) {
    container[key] = dice.pick([(value) => [value], (value) => ({ value }), (value) => [[value]]])(container[key]);
  },
  repeated({ container, key, list, frames }) {
    if (list && !frames) container.splice(key, 0, structuredClone(container[key]));
    else container[key] = [container[key], structuredClone(container[key])];
  },
  reordered({ container, list, fixed }, dice) {
    if (fixed) return;
    const keys = shuffled(Object.keys(container), dice);
    const copy = { ...container };
    if (list) container.splice(0, container.length, ...keys.map((key) => copy[key]));
    else {
      for (const key of keys) delete container[key];
      for (const key of keys) container[key] = copy[key];
    }
  },
};

/** A JSON seed with one to three changes; says what it did in `log`. */
export function mutateJson(seed, dice, ordered = []) {
  const root = { file: structuredClone(seed) };
  // An item lost and another one twice in a list of numbers cannot be told from other numbers.
  let moved = false;
  for (let round = dice.pick([1, 1, 1, 2, 3]); round > 0; round--) {
    const places = placesIn(root, ordered);
    // Deep places are many: half of the changes go to the upper ones.
    const upper = places.filter(({ container }) => !Array.isArray(container) || typeof container[0] === 'object');
    const name = dice.pick(Object.keys(jsonChanges));
    const place = dice.pick(dice.below(2) === 0 && upper.length > 0 ? upper : places);
    if (place.container === root && name === 'dropped') continue;
    const moves = place.fixed && (name === 'dropped' || name === 'repeated');
    if (moves && moved) continue;
    moved ||= moves;
    jsonChanges[name](place, dice);
  }
  return Buffer.from(JSON.stringify(root.file) ?? 'null');
}

const tableChanges = {
  dropped(rows, dice, { top }) {
    if (dice.below(2) === 0) rows.splice(top + dice.below(rows.length - top), 1);
    else {
      const column = dice.below(rows[0].length);
      for (const row of rows) row.splice(column, 1);
    }
  },
  nulled(rows, dice, { top }) {
    const row = rows[top + dice.below(rows.length - top)];
    const first = dice.below(row.length);
    const count = dice.pick([1, 1, 3, row.length]);
    for (let at = first; at < Math.min(row.length, first + count); at++) row[at] = dice.pick(['', 'NaN', '']);
  },
  nested(rows, dice) {
    const row = dice.pick(rows);
    const at = dice.below(row.length);
    row[at] = dice.pick([`[${row[at]}]`, `"${row[at]}"`, `(${row[at]})`]);
  },
  repeated(rows, dice, { top }) {
    if (dice.below(2) === 0) {
      const at = top + dice.below(rows.length - top);
      rows.splice(at, 0, [...rows[at]]);
    } else {
      const column = dice.below(rows[0].length);
      for (const row of rows) row.splice(column, 0, row[column]);
    }
  },
  reordered(rows, dice, { top, fixedColumns, first = 0 }) {
    if (fixedColumns || dice.below(2) === 0) {
      rows.splice(top, rows.length - top, ...shuffled(rows.slice(top), dice));
      return;
    }
    const order = shuffled([...rows[0].keys()].slice(first), dice);
    for (const row of rows) row.splice(first, row.length, ...order.map((column) => row[column]));
  },
};

/** A table with one to three changes. `top` rows of names stay on top; the first `first` columns stay first. */
export function mutateTable(seed, dice, form) {
  const rows = seed.map((row) => row.map(String));
  for (let round = dice.pick([1, 1, 1, 2, 3]); round > 0; round--) {
    if (rows.length <= form.top) break;
    tableChanges[dice.pick(Object.keys(tableChanges))](rows, dice, form);
  }
  return Buffer.from(rows.map((row) => row.join(',')).join('\n'));
}

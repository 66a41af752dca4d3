/** What our C3D files look like from a DEC (85: floats of a VAX) or an SGI (86: big-endian). */
export function inByteOrderOf(processor: number, file: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(file);
  const view = new DataView(bytes.buffer);
  const word = (at: number) => {
    if (processor === 86) view.setUint16(at, view.getUint16(at, true));
  };
  const float = (at: number) => {
    const value = view.getFloat32(at, true);
    if (processor === 86) view.setFloat32(at, value);
    else {
      const four = new DataView(new ArrayBuffer(4));
      four.setFloat32(0, 4 * value);
      view.setUint16(at, four.getUint16(0), true);
      view.setUint16(at + 2, four.getUint16(2), true);
    }
  };
  const data = (view.getUint16(16, true) - 1) * 512;
  for (const at of [2, 4, 6, 8, 10, 16, 18]) word(at);
  for (const at of [12, 20]) float(at);
  bytes[515] = processor;
  for (let at = 516; bytes[at] !== 0; ) {
    const group = view.getInt8(at + 1);
    const next = at + 2 + bytes[at];
    const step = view.getUint16(next, true);
    word(next);
    const body = next + 4 + bytes[next + 3];
    const kind = group < 0 ? 0 : view.getInt8(next + 2);
    for (let value = body; kind > 1 && value < next + step - 1; value += kind) kind === 2 ? word(value) : float(value);
    at = next + step;
  }
  for (let at = data; at < bytes.length; at += 4) float(at);
  return bytes;
}

/** Who is compared: each a process of `runners`, in the precisions that it has. */
export const SIDES = [
  {
    side: 'compiled',
    title: 'compiled',
    language: 'node',
    script: 'sides/node/pstmo-speed.mjs',
    precisions: ['fp32', 'bf16'],
  },
  {
    side: 'op-by-op',
    title: 'op by op',
    language: 'node',
    script: 'sides/node/pstmo-speed.mjs',
    precisions: ['fp32', 'bf16'],
  },
  {
    ...{ side: 'onnxruntime', title: 'ONNX Runtime', language: 'node', script: 'sides/node/onnxruntime-speed.mjs' },
    precisions: ['fp32'],
  },
  {
    ...{ side: 'openvino', title: 'OpenVINO', language: 'python', script: 'sides/python/openvino_speed.py' },
    ...{ precisions: ['fp32', 'bf16'], peer: true },
  },
  {
    ...{ side: 'pytorch', title: 'PyTorch', language: 'python', script: 'sides/python/torch_speed.py' },
    ...{ precisions: ['fp32', 'bf16'], peer: true },
  },
];

/** Our own ways through the network: compiled for evaluation, and operation by operation. */
export const OWN = ['compiled', 'op-by-op'];

export const titleOf = (side) => SIDES.find((one) => one.side === side)?.title ?? side;

/** Who is compared: each a process of `runners`, in the precisions that it has. */
export const SIDES = [
  { side: 'plan', title: 'plan', language: 'node', script: 'sides/node/pstmo-speed.mjs', precisions: ['fp32', 'bf16'] },
  {
    side: 'graph',
    title: 'graph',
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
export const OWN = ['plan', 'graph'];

export const titleOf = (side) => SIDES.find((one) => one.side === side)?.title ?? side;

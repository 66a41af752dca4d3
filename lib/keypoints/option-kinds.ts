/** Kinds of the fields of `ReadKeypointsOptions`, for `checkOptionKinds`. */
export const READ_KEYPOINTS = {
  ...{ where: 'text', format: 'text', layout: 'object|text', person: 'number', entry: 'text', size: 'object' },
  ...{ fps: 'number', ignoreIds: 'boolean', mergeIds: 'object', maxGap: 'number', minConfidence: 'number' },
} as const;

// The package's functions that train and score. Their code is read when one is first called: a program that only lifts starts sooner.

/**
 * Stage I: masked pose modelling. Hides frames and joints of 2D windows and learns to reconstruct them; 3D poses are not
 * needed. The model file starts {@link finetune}. Ends early, with a checkpoint, when the signal comes.
 */
export const pretrain: typeof import('./training/pretrain.js').pretrain = async (options) =>
  (await import('./training/pretrain.js')).pretrain(options);

/**
 * Stage II: learns to lift. Starts from scratch, from Stage I weights (its two encoders are taken over) or from a finished
 * Stage II; with `refine` in the model's configuration, which needs the latter, Stage II and the refining module learn
 * together. Ends early, with a checkpoint, when the signal comes.
 */
export const finetune: typeof import('./training/finetune.js').finetune = async (options) =>
  (await import('./training/finetune.js')).finetune(options);

/**
 * Lifts the test split, every frame of every video, and scores it beside the baselines: tables by subject, camera and
 * action, and MPI-INF-3DHP's own where the data set has its joints. Throws `ERR_DATASET` when something is missing for it.
 */
export const evaluate: typeof import('./evaluation/evaluate.js').evaluate = async (options) =>
  (await import('./evaluation/evaluate.js')).evaluate(options);

/**
 * Lifts the test split with ever more of its 2D joints hidden, each for a while at a time as behind furniture, and bridged as
 * `readKeypoints` bridges what a detector misses: what lifting makes of occluded people.
 */
export const evaluateOcclusion: typeof import('./evaluation/occlusion.js').evaluateOcclusion = async (options) =>
  (await import('./evaluation/occlusion.js')).evaluateOcclusion(options);

/** The codes a {@link PoseError} can carry: stable names for programs, where the message is for people. */
export type PoseErrorCode =
  | 'ERR_ABORTED'
  | 'ERR_ARGUMENT'
  | 'ERR_CLOSED'
  | 'ERR_CONFIG'
  | 'ERR_CUDA_ARCH'
  | 'ERR_CUDA_DRIVER'
  | 'ERR_CUDA_OOM'
  | 'ERR_DATASET'
  | 'ERR_FILE'
  | 'ERR_FORMAT'
  | 'ERR_LIMIT'
  | 'ERR_LOCKED'
  | 'ERR_MEMORY'
  | 'ERR_MODEL'
  | 'ERR_NATIVE'
  | 'ERR_NO_CUDA'
  | 'ERR_UNSUPPORTED'
  | 'ERR_USAGE';

/**
 * The one error class of the package. The message names the option or file, what was expected and what came;
 * `code` says the kind. `name` is `AbortError` where a signal stopped the call, and `cause` is then the signal's reason.
 * Native code throws it too, through the same constructor.
 */
export class PoseError extends Error {
  readonly code: PoseErrorCode;

  constructor(code: PoseErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    // What programs test for, as for the platform's own calls: `error.name === 'AbortError'`.
    this.name = code === 'ERR_ABORTED' ? 'AbortError' : 'PoseError';
    this.code = code;
  }
}

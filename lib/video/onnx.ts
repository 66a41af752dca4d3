import { isArrayOf } from '../base/array-kind.js';
import { PoseError } from '../base/pose-error.js';

/** The part of onnxruntime-node that is used here. */
interface OnnxRuntime {
  InferenceSession: { create(path: string, options?: { intraOpNumThreads?: number }): Promise<OnnxSession> };
  Tensor: new (type: 'float32', data: Float32Array, shape: readonly number[]) => OnnxValue;
}

interface OnnxValue {
  readonly data: unknown;
  readonly dims: readonly number[];
}

interface OnnxSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly inputMetadata?: readonly { readonly shape?: readonly (number | string)[] }[];
  run(feeds: Record<string, OnnxValue>): Promise<Record<string, OnnxValue>>;
  release(): Promise<void>;
}

/** Its name stands in a variable, so that neither compiler nor bundler looks for a package that few install. */
const runtimePackage = 'onnxruntime-node';

/** A network in an ONNX file that takes images (B, 3, height, width) and gives float32 arrays. */
export class OnnxNetwork implements AsyncDisposable {
  readonly path: string;
  readonly outputs: readonly string[];
  /** Of its input, where the file fixes it. */
  readonly height: number | undefined;
  readonly width: number | undefined;
  readonly #runtime: OnnxRuntime;
  readonly #session: OnnxSession;

  private constructor(path: string, runtime: OnnxRuntime, session: OnnxSession) {
    this.path = path;
    this.#runtime = runtime;
    this.#session = session;
    this.outputs = session.outputNames;
    const shape = session.inputMetadata?.[0]?.shape ?? [];
    if (session.inputNames.length !== 1 || (shape.length !== 0 && shape.length !== 4)) {
      throw new PoseError(
        'ERR_MODEL',
        `${path}: expected one input of shape (batch, 3, height, width), got ${session.inputNames.join(', ')} (${shape.join(', ')}).`,
      );
    }
    const [height, width] = [shape[2], shape[3]].map((size) =>
      typeof size === 'number' && size > 0 ? size : undefined,
    );
    this.height = height;
    this.width = width;
  }

  /** Opens a file. Throws `ERR_UNSUPPORTED` without onnxruntime-node, `ERR_MODEL` for a file that it cannot run. */
  static async load(path: string): Promise<OnnxNetwork> {
    let runtime: OnnxRuntime;
    try {
      const loaded = (await import(runtimePackage)) as OnnxRuntime & { default?: OnnxRuntime };
      runtime = loaded.default ?? loaded;
    } catch (cause) {
      throw new PoseError(
        'ERR_UNSUPPORTED',
        `${path}: detectors run on ${runtimePackage}, which is not installed: npm install ${runtimePackage} (${reasonOf(cause)}).`,
        { cause },
      );
    }
    let session: OnnxSession;
    try {
      session = await runtime.InferenceSession.create(path);
    } catch (cause) {
      throw new PoseError('ERR_MODEL', `${path}: expected an ONNX file of a detector: ${reasonOf(cause)}.`, { cause });
    }
    return new OnnxNetwork(path, runtime, session);
  }

  /** Runs the network on images (B, 3, height, width); gives each output by its name. */
  async run(
    images: Float32Array,
    shape: readonly number[],
  ): Promise<Map<string, { data: Float32Array; shape: readonly number[] }>> {
    let results: Record<string, OnnxValue>;
    try {
      results = await this.#session.run({
        [this.#session.inputNames[0]]: new this.#runtime.Tensor('float32', images, shape),
      });
    } catch (cause) {
      throw new PoseError('ERR_MODEL', `${this.path}: cannot be run on (${shape.join(', ')}): ${reasonOf(cause)}.`, {
        cause,
      });
    }
    return new Map(
      Object.entries(results).map(([name, { data, dims }]) => {
        if (!isArrayOf('Float32Array', data)) {
          throw new PoseError('ERR_MODEL', `${this.path}: expected outputs of float32, got another type in ${name}.`);
        }
        return [name, { data, shape: dims }];
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.release();
  }
}

function reasonOf(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split('\n')[0].slice(0, 200);
}

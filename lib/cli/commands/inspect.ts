import { existsSync } from 'node:fs';
import { Command, Option } from 'commander';
import { PoseError } from '../../base/pose-error.js';
import { shownText } from '../../base/shown-text.js';
import { type InputFormat, inputFormats } from '../../keypoints/input-format.js';
import { bundledModels } from '../../networks/bundled.js';
import { type Inspection, inspectFile } from '../inspect-file.js';
import { type Io, notice, print } from '../io.js';

/** A bundled model's file where its name is given; else the path as it is. */
function bundledOr(path: string): string {
  return existsSync(path) ? path : (bundledModels().find(({ name }) => name === path)?.path ?? path);
}

export function inspectCommand(io: Io): Command {
  return new Command('inspect')
    .description('what a file is: model, checkpoint, data set, detections, poses')
    .argument('<files...>', 'files, or folders of one file a frame')
    .addOption(
      new Option('--input-format <name>', 'what keypoints are; else their content tells').choices(inputFormats),
    )
    .option('--json', 'print JSON')
    .action(async (files: string[], { json, inputFormat }: { json?: boolean; inputFormat?: InputFormat }) => {
      const found: (Inspection | { path: string; error: string; code: string })[] = [];
      for (const path of files) {
        try {
          found.push(await inspectFile(bundledOr(path), inputFormat === undefined ? {} : { format: inputFormat }));
        } catch (error) {
          if (!(error instanceof PoseError)) {
            throw error;
          }
          found.push({ path, error: error.message, code: error.code });
          notice(io, error.message);
          io.exitCode = 1;
        }
      }
      if (!json && !found.some((one) => 'lines' in one)) {
        return;
      }
      print(
        io,
        json,
        json ? found.map(({ ...one }) => ('lines' in one ? { ...one, lines: undefined } : one)) : found,
        () =>
          found
            .flatMap((one) =>
              'lines' in one ? [`${one.path}: ${one.kind}, ${one.bytes} bytes`, ...one.lines].map(shownText) : [],
            )
            .join('\n'),
      );
    });
}

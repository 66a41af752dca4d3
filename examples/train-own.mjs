// Trains a model on motion capture of your own (.bvh, or .amc with its .asf), a folder a person:
//   node examples/train-own.mjs recordings/ --validation subject1 --test subject2 --out trained
// Virtual cameras look at the recordings: no video is needed.
import { parseArgs } from 'node:util';
import { evaluate, evaluationTable, finetune, pretrain } from 'pstmo';
import { prepareMocap } from 'pstmo/datasets';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    validation: { type: 'string' },
    test: { type: 'string' },
    out: { type: 'string', default: 'trained' },
    frames: { type: 'string', default: '27' }, // N, the frames that the network sees at once: 9, 27, 81, 243
    epochs: { type: 'string', default: '30' },
  },
});
const [folder] = positionals;
const { validation, test, out, frames, epochs } = values;
if (!folder || !validation || !test) {
  throw new Error('Usage: node train-own.mjs <folder> --validation <person> --test <person> [--out <folder>]');
}

// People, not clips, are held out: a network that saw somebody's gait has seen that person's test clips too.
const splits = { validation: [validation], test: [test], drop: [] };
const dataset = await prepareMocap({ folder, splits, onNotice: console.log });

const onEpoch = ({ epoch, loss, validation: held }) => {
  console.log(`epoch ${epoch}: loss ${loss.toFixed(4)}, validation ${held?.toFixed(4)}`);
};
// A detector's errors are added to the 2D, or the model will expect cleaner keypoints than any video gives.
const model = { frames: Number(frames), noise: { kind: 'detector', scale: 1 } };
const common = { dataset, model, epochs: Number(epochs), onEpoch, resume: true }; // runs that were stopped go on

// Stage I learns how people move by filling in hidden joints and frames, Stage II lifts; the first makes the second better.
await pretrain({ ...common, out: `${out}/stage1` });
await finetune({ ...common, out: `${out}/stage2`, from: `${out}/stage1/model.safetensors` });

// Errors of the held-out person, beside the mean pose and a linear regression: what is not below these has not learned.
console.log(evaluationTable(await evaluate({ model: `${out}/stage2/model.safetensors`, dataset })));
console.log(`Lift with it: pstmo lift keypoints.json --model ${out}/stage2/model.safetensors`);

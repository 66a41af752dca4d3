/** Steps that are averaged, so that the scatter from batch to batch does not hide a difference. */
export const BLOCK = 25;

function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * Two curves of losses over the same samples, block by block: each block's means, and how far they are apart in standard
 * errors of such a mean. The scatter of a batch's loss is taken from the theirs', as half the mean square of neighbours'
 * differences, which a falling curve hardly touches.
 * @param {readonly number[]} ours
 * @param {readonly number[]} theirs
 */
export function compareLosses(ours, theirs) {
  const blocks = [];
  for (let first = 0; first + BLOCK <= ours.length; first += BLOCK) {
    const our = ours.slice(first, first + BLOCK);
    const their = theirs.slice(first, first + BLOCK);
    const jumps = their.slice(1).map((loss, i) => (loss - their[i]) ** 2 / 2);
    const standardError = Math.sqrt(mean(jumps) / BLOCK);
    const difference = mean(our) - mean(their);
    blocks.push({ step: first + BLOCK, ours: mean(our), theirs: mean(their), inNoise: difference / standardError });
  }
  const distances = blocks.map(({ inNoise }) => Math.abs(inNoise));
  return { blocks, meanInNoise: mean(distances), largestInNoise: Math.max(...distances) };
}

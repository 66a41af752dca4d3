/**
 * Joint angles of adult level walking at natural speed, in degrees, one value every 5% of the gait cycle from initial
 * contact (0%). The extremes and their times are the textbook ones (J. Perry and J. Burnfield, Gait Analysis, 2010;
 * D. A. Winter, The Biomechanics and Motor Control of Human Gait, 1991):
 *
 * - hip: flexed 30 at contact, extended 10 at 50%, flexed 35 at 85%;
 * - knee: 5 at contact, first flexion wave of 17 at 12-15%, 5 at 40%, 60 at 70%, almost straight at 97%;
 * - ankle: neutral at contact, plantarflexed 5 at 6%, dorsiflexed 10 at 40-45%, plantarflexed 17 just after toe-off
 *   (60-62%), neutral through swing.
 *
 * Between those the values are ours, set so that the foot lies flat from about 10% to 33% of the cycle.
 */
const sagittal = {
  hipFlexion: [30, 30, 27, 24, 19, 14, 9, 3, -3, -8, -10, -8, -2, 7, 17, 26, 33, 35, 34, 31],
  kneeFlexion: [5, 12, 16, 17, 15, 11, 8, 6, 5, 7, 13, 24, 38, 53, 61, 60, 50, 32, 13, 3],
  ankleDorsiflexion: [0, -5, -3, 2, 5, 7, 8, 9, 10, 10, 7, -3, -14, -17, -9, -2, 2, 2, 1, 1],
} as const;

export type GaitCurve = keyof typeof sagittal;

/** Values of each curve. */
const samples = 20;

const series = Object.fromEntries(
  Object.entries(sagittal).map(([name, values]) => [name, fourierSeries(values)]),
) as Record<GaitCurve, FourierSeries>;

interface FourierSeries {
  mean: number;
  cosine: number[];
  sine: number[];
}

/**
 * Truncated Fourier series through evenly spaced samples. Seven harmonics hold all that is seen in walking (its joint
 * angles live below 6 Hz) and leave the jitter of whole-degree samples behind.
 */
function fourierSeries(values: readonly number[]): FourierSeries {
  const harmonics = 7;
  const sum = (weight: (index: number) => number) =>
    values.reduce((total, value, index) => total + value * weight(index), 0);
  const result: FourierSeries = { mean: sum(() => 1) / samples, cosine: [], sine: [] };
  for (let k = 1; k <= harmonics; k++) {
    result.cosine.push((2 / samples) * sum((index) => Math.cos((2 * Math.PI * k * index) / samples)));
    result.sine.push((2 / samples) * sum((index) => Math.sin((2 * Math.PI * k * index) / samples)));
  }
  return result;
}

/** Angle in degrees of one joint at `phase` of its leg's gait cycle (0 at initial contact, 1 at the next; any real number). */
export function gaitAngle(curve: GaitCurve, phase: number): number {
  const { mean, cosine, sine } = series[curve];
  let angle = mean;
  for (let k = 1; k <= cosine.length; k++) {
    const turn = 2 * Math.PI * k * phase;
    angle += cosine[k - 1] * Math.cos(turn) + sine[k - 1] * Math.sin(turn);
  }
  return angle;
}

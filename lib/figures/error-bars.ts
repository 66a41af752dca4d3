import { checkArguments } from '../base/check-arguments.js';
import { skeletonByName } from '../skeletons/skeletons.js';
import { barChart } from './bar-chart.js';
import { picture, stacked } from './svg.js';

interface Pooled {
  name: string;
  mpjpeMm: number;
  jointErrorsMm: readonly number[];
}

/** An evaluation's report, as far as it is drawn: what `pstmo evaluate --json` prints. */
export interface ReportedErrors {
  model: { config: { outputLayout: string } };
  conditions: readonly {
    name: string;
    methods: readonly { method: string; actions: readonly Pooled[]; subjects: readonly Pooled[]; overall: Pooled }[];
  }[];
}

/** More actions than this are no actions but clips, and do not fit a page: subjects are shown then. */
const mostActions = 20;

/** MPJPE by action and by joint, a bar a method, as an SVG picture; each kind of 2D input has its own two charts. */
export function errorBars(given: ReportedErrors): string {
  checkArguments('errorBars', { given }, { model: 'object', conditions: 'list' });
  const { model, conditions } = given;
  const { joints, root } = skeletonByName(model.config.outputLayout);
  const shown = joints.map((_, joint) => joint).filter((joint) => joint !== root);
  const charts = conditions.flatMap(({ name, methods }) => {
    const groups = methods[0].actions.length <= mostActions ? 'actions' : 'subjects';
    const byGroup = barChart({
      ...{ title: `MPJPE by ${groups.slice(0, -1)}, 2D ${name}`, unit: 'mm' },
      groups: methods[0][groups].map((group) => group.name),
      series: methods.map((one) => ({ name: one.method, values: one[groups].map(({ mpjpeMm }) => mpjpeMm) })),
    });
    const byJoint = barChart({
      ...{ title: `MPJPE by joint, 2D ${name}`, unit: 'mm' },
      groups: shown.map((joint) => joints[joint]),
      series: methods.map(({ method, overall }) => ({
        name: method,
        values: shown.map((joint) => overall.jointErrorsMm[joint]),
      })),
    });
    return [byGroup, byJoint];
  });
  return picture(stacked(charts, 8));
}

export { attentionFigure, type DrawnAttention } from './attention-figure.js';
export { type BarChartOptions, barChart } from './bar-chart.js';
export { errorBars, type ReportedErrors } from './error-bars.js';
export { type HeatMapOptions, heatMap } from './heat-map.js';
export { type ChartSeries, type LineChartOptions, lineChart } from './line-chart.js';
export { type HiddenErrors, occlusionCurve } from './occlusion-curve.js';
export { type StripOptions, skeletonStrip } from './skeleton-strip.js';
export { type Drawing, picture, sideBySide, stacked } from './svg.js';
export { type LoggedLine, trainingCurves } from './training-curves.js';

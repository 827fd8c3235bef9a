export { type KedaHandler, kedaHandler } from "./autoscale/keda-handler.ts";
export type { KedaOptions, ReportedQueues } from "./autoscale/keda-options.ts";
export type { LoadReport, QueueReport } from "./autoscale/load-report.ts";

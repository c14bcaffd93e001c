// Whether the exporter has to be started or taken away: pure.
import type { ServicePlan } from '../concourse/service.ts';
import type { Effect, Observed } from '../observed.ts';
import { type Facts, isWeb } from '../upgrade/facts.ts';

/** Looked at only where there may be one. */
export interface ExporterView {
  installed: boolean;
  /** It runs as planned. */
  current: boolean;
  /** What should run; undefined where nothing should, and before the application has its keys. */
  plan: ServicePlan | undefined;
}

/** It runs beside the installer's web, where metrics are wanted, and nowhere else. What keeps it from that keeps nothing else. */
export function exporterEffects(o: Observed, facts: Facts): Effect[] {
  const { installed, current, plan } = o.exporter;
  if (o.settings.metrics && isWeb(facts) && o.goal?.installer === o.unit) {
    // A plan lacks while the application has no keys yet.
    const begun = o.done.has('start-exporter') || o.failures.has('start-exporter');
    return plan === undefined || current || begun ? [] : [{ do: 'start-exporter', plan }];
  }
  const gone = o.done.has('remove-exporter') || o.failures.has('remove-exporter');
  return installed && !gone ? [{ do: 'remove-exporter' }] : [];
}

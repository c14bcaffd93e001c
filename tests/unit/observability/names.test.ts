// Alert rules and dashboard ask for series that exist: every metric name and every label in them is held against what
// Concourse's source registers and what the exporter writes.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import alerts from '../../../src/observability/alerts.json' with { type: 'json' };
import dashboard from '../../../src/observability/dashboard.json' with { type: 'json' };
import { jobFamilies } from '../../../src/exporter/jobs.ts';
import { addHook, figureFamilies } from '../../../src/observability/figures.ts';
import { alertRules, encodedDashboard } from '../../../src/observability/rules.ts';
import concourse from './concourse-metrics.json' with { type: 'json' };
import { contentOf } from './xz-content.ts';

/** Made by Prometheus and by monitoring charms themselves. */
const everywhere = new Set([
  'job',
  'instance',
  'juju_model',
  'juju_model_uuid',
  'juju_application',
  'juju_unit',
  'le',
]);
const everyJob = {
  name: 'unit',
  team_name: 'main',
  pipeline_name: 'app',
  finished_build: { status: 'succeeded', start_time: 1, end_time: 2 },
};
const everyFigure = addHook(undefined, { ok: true, seconds: 1, toolCalls: 1, endedAt: 1 }, undefined);
const known = new Map<string, { type: string; labels: readonly string[] }>([
  ['up', { type: 'gauge', labels: [] }],
  ...Object.entries(concourse.metrics),
  // What the exporter really writes, from whole examples.
  ...[...jobFamilies([everyJob], 1), ...figureFamilies(everyFigure)].map(
    ({ name, type, samples }) =>
      [
        name,
        { type, labels: [...new Set(samples.flatMap(({ labels = {} }) => Object.keys(labels)))] },
      ] as const,
  ),
]);

/** The metric behind a series' name: a histogram has several. */
function metricOf(series: string) {
  const [, base = series] = /^(.*)_(?:bucket|sum|count)$/.exec(series) ?? [];
  const histogram = known.get(base);
  return histogram?.type === 'histogram' || histogram?.type === 'summary' ? histogram : known.get(series);
}

const rules = alerts.groups.flatMap((group) => group.rules);
const targets = dashboard.panels.flatMap(
  ({ title, targets = [] }: { title: string; targets?: { expr: string; legendFormat: string }[] }) =>
    targets.map((target) => ({ title, ...target })),
);
const expressions = [
  ...rules.map(({ alert, expr }) => [alert, expr] as const),
  ...targets.map(({ title, expr }) => [title, expr] as const),
];

const functions = new Set([
  'sum',
  'by',
  'rate',
  'increase',
  'histogram_quantile',
  'topk',
  'and',
  'max',
  'time',
]);

/** What an expression of the few forms here is made of. */
function partsOf(expr: string) {
  const plain = expr.replaceAll('%%juju_topology%%', 'juju_model="x"');
  const grouped = [...plain.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) =>
    list.split(',').map((label) => label.trim()),
  );
  const matched = [...plain.matchAll(/\{([^}]*)\}/g)].flatMap(([, list = '']) =>
    [...list.matchAll(/([a-zA-Z_]\w*)(?:=~|!~|!=|=)"/g)].map(([, label = '']) => label),
  );
  const rest = plain.replace(/\bby \([^)]*\)|\{[^}]*\}|\[[^\]]*\]|"[^"]*"/g, ' ');
  const series = [...rest.matchAll(/[a-zA-Z_]\w*/g)]
    .map(([name]) => name)
    .filter((name) => !functions.has(name));
  return { series, labels: [...grouped, ...matched] };
}

describe.each(expressions)('%s', (_title, expr) => {
  const { series, labels } = partsOf(expr);

  test('asks for series that exist', () => {
    expect(series).not.toEqual([]);
    expect(series.filter((name) => metricOf(name) === undefined)).toEqual([]);
  });

  test('and for labels that they have', () => {
    const had = new Set(series.flatMap((name) => metricOf(name)?.labels ?? []));
    expect(labels.filter((label) => !everywhere.has(label) && !had.has(label))).toEqual([]);
  });
});

test('a name that Concourse does not have is found out', () => {
  expect(partsOf('sum by (state) (rate(concourse_worker_count{%%juju_topology%%}[5m])) > 0')).toEqual({
    series: ['concourse_worker_count'],
    labels: ['state', 'juju_model'],
  });
  expect(metricOf('concourse_worker_count')).toBeUndefined();
  // A counter has no buckets.
  expect(metricOf('concourse_builds_errored_total_bucket')).toBeUndefined();
});

test('every rule chooses this application, in each of its selectors', () => {
  const rendered = alertRules({
    model: 'ci',
    model_uuid: '33333333-3333-4333-8333-333333333333',
    application: 'concourse-ci',
    unit: 'concourse-ci/0',
    charm_name: 'concourse-ci',
  });
  const all = rendered.groups.flatMap((group) => group.rules);
  expect(all.map(({ alert }) => alert)).toEqual(rules.map(({ alert }) => alert));
  for (const { expr, labels } of all) {
    expect(expr).not.toContain('%%');
    for (const [selector] of expr.matchAll(/(?:up|concourse_\w+)(?:\{[^}]*\})?/g))
      expect(selector).toMatch(
        /juju_model="ci",juju_model_uuid="33333333-[0-9a-f-]+",juju_application="concourse-ci"\}$/,
      );
    expect(labels).toMatchObject({ juju_model: 'ci', juju_application: 'concourse-ci' });
    expect(labels.severity).toMatch(/^(critical|warning)$/);
  }
});

test('annotations and legends name labels that their expressions leave', () => {
  const said = [
    ...rules.map(({ expr, annotations }) => ({ expr, text: Object.values(annotations).join(' ') })),
    ...targets.map(({ expr, legendFormat }) => ({ expr, text: legendFormat.replace(/\{\{/g, '{{$labels.') })),
  ];
  for (const { expr, text } of said) {
    const { series, labels } = partsOf(expr);
    const grouped = /\bby \(/.test(expr);
    const left = new Set(grouped ? labels : series.flatMap((name) => metricOf(name)?.labels ?? []));
    const named = [...text.matchAll(/\$labels\.(\w+)/g)].map(([, label = '']) => label);
    const lost = named.filter((label) => !left.has(label) && (grouped || !everywhere.has(label)));
    expect(lost, `${expr}: ${text}`).toEqual([]);
  }
});

test('the dashboard travels whole, with an id that the aggregators keep', () => {
  expect(JSON.parse(contentOf(encodedDashboard()))).toEqual(dashboard);
  expect(dashboard.uid).toMatch(/^[0-9a-f]{40}$/);
  // A databag's value is an argument of no program, but Juju keeps every version of it.
  expect(encodedDashboard().length).toBeLessThan(30_000);
});

test('docs/how-to/monitoring.md describes each alert, with its severity', () => {
  const text = readFileSync(join(import.meta.dirname, '../../../docs/how-to/monitoring.md'), 'utf8');
  const told = [...text.matchAll(/^\| `(Concourse\w+)` \| (\w+) \|/gm)].map(([, name, severity]) => [
    name,
    severity,
  ]);
  expect(told).toEqual(rules.map(({ alert, labels }) => [alert, labels.severity]));
});

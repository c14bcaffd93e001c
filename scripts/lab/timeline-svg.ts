// The last upgrade as a picture: a row for each unit, a bar for what it was doing, a mark for each hook, seconds below.
import type { Kind, Phase, Timeline } from './phases.ts';

const rowHeight = 46;
const barHeight = 20;
const left = 130;
const width = 900;
const right = 20;
const top = 56;

const looks: Readonly<Record<Kind, { fill: string; says: string }>> = {
  runs: { fill: '#2da44e', says: 'runs' },
  stages: { fill: '#0969da', says: 'downloads and verifies, runs on' },
  prepares: { fill: '#bf8700', says: 'waits for workers to stop, runs on' },
  stopped: { fill: '#cf222e', says: 'stopped for the upgrade' },
  none: { fill: '#8c959f', says: 'nothing runs' },
};

export function timelineSvg(timeline: Timeline): string {
  const { title, units, phases, hooks, lengthMs } = timeline;
  const scale = (width - left - right) / Math.max(1, lengthMs);
  const x = (ms: number): string => (left + ms * scale).toFixed(1);
  const span = (from: number, to: number): string =>
    `x="${x(from)}" width="${Math.max(1, (to - from) * scale).toFixed(1)}"`;
  const row = (unit: string): number => top + units.indexOf(unit) * rowHeight;
  const bottom = top + units.length * rowHeight;
  const seconds = Array.from({ length: Math.floor(lengthMs / 1000) + 1 }, (_, second) => second);
  const every = Math.max(1, Math.ceil(seconds.length / 15));
  const shown = Object.entries(looks).filter(([kind]) => phases.some((phase) => phase.kind === kind));
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${bottom + 70}" role="img" aria-label="${escaped(title)}">`,
    '<style>text{font:12px system-ui,sans-serif;fill:#1f2328}.in{fill:#fff;font-weight:600}.small{font-size:11px;fill:#59636e}</style>',
    `<rect width="${width}" height="${bottom + 70}" rx="8" fill="#fff"/>`,
    `<text x="${width / 2}" y="28" text-anchor="middle" style="font-size:15px;font-weight:600">${escaped(title)}</text>`,
    ...seconds
      .filter((second) => second % every === 0)
      .flatMap((second) => [
        `<line x1="${x(second * 1000)}" x2="${x(second * 1000)}" y1="${top - 10}" y2="${bottom}" stroke="#d1d9e0"/>`,
        `<text class="small" x="${x(second * 1000)}" y="${bottom + 16}" text-anchor="middle">${second} s</text>`,
      ]),
    ...units.map(
      (unit) => `<text x="${left - 10}" y="${row(unit) + 15}" text-anchor="end">${escaped(unit)}</text>`,
    ),
    ...phases.flatMap((phase) =>
      bar(phase, span(phase.from, phase.to), x(phase.from), row(phase.unit), scale),
    ),
    ...hooks.map(
      ({ unit, from, to }) =>
        `<rect ${span(from, to)} y="${row(unit) + barHeight + 4}" height="5" fill="#8250df" opacity="0.7"/>`,
    ),
    ...legend([...shown.map(([, look]) => look), { fill: '#8250df', says: 'a hook' }], bottom),
    '</svg>',
  ].join('\n')}\n`;
}

function bar(phase: Phase, span: string, from: string, y: number, scale: number): string[] {
  const { fill, says } = looks[phase.kind];
  const text = `${phase.unit}: ${says}${phase.version === '' ? '' : `, ${phase.version}`}, ${((phase.to - phase.from) / 1000).toFixed(1)} s`;
  const room = (phase.to - phase.from) * scale;
  const label = phase.version === '' ? `${((phase.to - phase.from) / 1000).toFixed(1)} s` : phase.version;
  return [
    `<rect ${span} y="${y}" height="${barHeight}" fill="${fill}"><title>${escaped(text)}</title></rect>`,
    ...(room > 40 ? [`<text class="in" x="${Number(from) + 5}" y="${y + 14}">${escaped(label)}</text>`] : []),
  ];
}

function legend(entries: readonly { fill: string; says: string }[], bottom: number): string[] {
  let at = 24;
  return entries.flatMap(({ fill, says }) => {
    const lines = [
      `<rect x="${at}" y="${bottom + 38}" width="12" height="12" fill="${fill}"/>`,
      `<text class="small" x="${at + 17}" y="${bottom + 48}">${escaped(says)}</text>`,
    ];
    at += 40 + says.length * 6;
    return lines;
  });
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

// Draws a terminal as an SVG that plays by itself, wherever a picture may stand: lines appear when they came, the oldest roll
// away, and it begins again. Without scripts, and whole at once for whoever wants no motion.
import type { Line } from './recording.ts';

const rows = 30;
const lineHeight = 17;
const charWidth = 7.25;
const columns = 114;
const margin = 14;
const titleBar = 30;
/** How long the end is shown, in s. */
const rest = 6;

/** Why a line has a colour: what it says of a unit. */
const colours: readonly (readonly [RegExp, string])[] = [
  [/^[0-9]+\. |^What was shown/, 'b'],
  [/ (active|INFO)\b.*:|\bactive:/, 'g'],
  [/\b(blocked|error|ERROR)\b/, 'r'],
  [/\b(waiting|WARNING):/, 'y'],
  [/\bmaintenance:/, 'c'],
  [/\bsays /, 'm'],
];

export function asSvg(title: string, lines: readonly Line[]): string {
  const width = Math.ceil(columns * charWidth + 2 * margin);
  const height = titleBar + rows * lineHeight + 2 * margin;
  const length = (lines.at(-1)?.at ?? 0) + rest;
  const percent = (at: number): string => `${((100 * at) / length).toFixed(2)}%`;
  const instants = [...new Set(lines.map(({ at }) => at))];
  // One animation for all lines of an instant, and one that rolls them up.
  const appear = instants.map(
    (at, index) =>
      `@keyframes a${index}{0%,${percent(Math.max(0, at - 0.01))}{opacity:0}${percent(at)},100%{opacity:1}}.a${index}{animation:a${index} ${length}s step-end infinite}`,
  );
  const rolls = instants.map((at) => {
    const shown = lines.filter((line) => line.at <= at).length;
    return `${percent(at)}{transform:translateY(${-Math.max(0, shown - rows) * lineHeight}px)}`;
  });
  const style = [
    `text{font:12px ui-monospace,Menlo,Consolas,monospace;fill:#d0d7de;white-space:pre}`,
    `.b{font-weight:bold;fill:#fff}.g{fill:#7ee787}.r{fill:#ff7b72}.y{fill:#e3b341}.c{fill:#79c0ff}.m{fill:#d2a8ff}`,
    `@media(prefers-reduced-motion:no-preference){${appear.join('')}@keyframes roll{${rolls.join('')}}.roll{animation:roll ${length}s step-end infinite}}`,
    `.roll{transform:translateY(${-Math.max(0, lines.length - rows) * lineHeight}px)}`,
  ].join('\n');
  const drawn = lines.flatMap(({ at, text }, index) => {
    if (text === '') return [];
    const y = (index + 1) * lineHeight - 4;
    return [`<text class="a${instants.indexOf(at)} ${colourOf(text)}" y="${y}">${escaped(text)}</text>`];
  });
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">`,
    `<style>\n${style}\n</style>`,
    `<rect width="${width}" height="${height}" rx="8" fill="#0d1117"/>`,
    ...['#ff5f56', '#ffbd2e', '#27c93f'].map(
      (fill, index) => `<circle cx="${margin + 6 + index * 18}" cy="16" r="5.5" fill="${fill}"/>`,
    ),
    `<text x="${width / 2}" y="20" text-anchor="middle">${escaped(title)}</text>`,
    `<clipPath id="screen"><rect x="0" y="${titleBar}" width="${width}" height="${rows * lineHeight + margin}"/></clipPath>`,
    `<g clip-path="url(#screen)"><g transform="translate(${margin} ${titleBar})"><g class="roll">`,
    ...drawn,
    '</g></g></g>',
    '</svg>',
  ].join('\n')}\n`;
}

function colourOf(text: string): string {
  return colours.find(([pattern]) => pattern.test(text))?.[1] ?? 't';
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

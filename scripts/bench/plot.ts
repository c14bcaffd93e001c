// Draws what a bench found as horizontal bars: SVG that can be read on light and on dark pages, without a library.

export interface Plot {
  title: string;
  /** Of the values, for people: `ms`, `s`. */
  unit: string;
  /** `tone`: those of one tone are compared with each other; 0 is ours. */
  bars: readonly { label: string; value: number; tone: 0 | 1 | 2 }[];
}

const [width, labelWidth, valueWidth, rowHeight, top] = [820, 300, 90, 26, 44];

/** The whole file. */
export function svgOf({ title, unit, bars }: Plot): string {
  const most = Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE);
  const room = width - labelWidth - valueWidth;
  const height = top + bars.length * rowHeight + 10;
  const rows = bars.map(({ label, value, tone }, index) => {
    const y = top + index * rowHeight;
    const length = Math.max(1, Math.round((room * value) / most));
    return [
      `<text x="${labelWidth - 8}" y="${y + 15}" text-anchor="end">${escaped(label)}</text>`,
      `<rect class="tone${tone}" x="${labelWidth}" y="${y + 3}" width="${length}" height="${rowHeight - 8}" rx="2"/>`,
      `<text class="value" x="${labelWidth + length + 6}" y="${y + 15}">${shown(value)} ${escaped(unit)}</text>`,
    ].join('\n');
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}">
<style>
text { font: 13px system-ui, sans-serif; fill: #24292f; }
.title { font-weight: 600; }
.value { fill: #57606a; }
.tone0 { fill: #1f6feb; } .tone1 { fill: #8c959f; } .tone2 { fill: #bf8700; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; } .value { fill: #9198a1; } .tone0 { fill: #58a6ff; } .tone1 { fill: #6e7681; } .tone2 { fill: #d29922; }
}
</style>
<text class="title" x="8" y="22">${escaped(title)}</text>
${rows.join('\n')}
</svg>
`;
}

/** Three digits. */
const shown = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

// A quantity as a + b·N + c·N²: the polynomial whose largest relative errors are small, by weighted least squares.

export interface Fit {
  a: number;
  b: number;
  c: number;
  /** Largest |fitted − counted| ÷ counted at the points, as a part of 1. */
  largestError: number;
}

/** `points`: N and what was counted there. Terms that change nothing by more than 0.1 % anywhere are left out (0). */
export function fitted(points: readonly (readonly [number, number])[]): Fit {
  const degrees = [[0], [1], [0, 1], [2], [0, 2], [1, 2], [0, 1, 2]].filter(
    (each) => each.length <= points.length,
  );
  const fits = degrees.map((powers) => withPowers(points, powers));
  const best = Math.min(...fits.map((each) => each.largestError));
  const found = fits.find((each) => each.largestError <= best + 0.001) ?? fits.at(-1);
  if (found === undefined) throw new Error('nothing to fit');
  return found;
}

/** With N = 12: `3 + 2·N`, constants to four digits. */
export function formula({ a, b, c }: Fit): string {
  const terms = [
    [a, ''],
    [b, '·N'],
    [c, '·N²'],
  ] as const;
  const shown = terms.filter(([factor]) => factor !== 0);
  if (shown.length === 0) return '0';
  return shown
    .map(([factor, power], index) => {
      const size = Number(Math.abs(factor).toPrecision(4));
      const text = size === 1 && power !== '' ? power.slice(1) : `${size}${power}`;
      return index === 0 ? `${factor < 0 ? '−' : ''}${text}` : `${factor < 0 ? '−' : '+'} ${text}`;
    })
    .join(' ');
}

function withPowers(points: readonly (readonly [number, number])[], powers: readonly number[]): Fit {
  const rows = points.map(([n, y]) => {
    const weight = 1 / Math.max(Math.abs(y), 1);
    return { x: powers.map((power) => n ** power * weight), y: y * weight };
  });
  const matrix = powers.map((_, i) => [
    ...powers.map((_power, j) => total(rows.map(({ x }) => (x[i] ?? 0) * (x[j] ?? 0)))),
    total(rows.map(({ x, y }) => (x[i] ?? 0) * y)),
  ]);
  const solved = solve(matrix);
  const factors = [0, 1, 2].map((power) => {
    const at = powers.indexOf(power);
    return at < 0 ? 0 : tidy(solved[at] ?? 0);
  });
  const [a = 0, b = 0, c = 0] = factors;
  const errors = points.map(([n, y]) => Math.abs(a + b * n + c * n * n - y) / Math.max(Math.abs(y), 1));
  return { a, b, c, largestError: Math.max(...errors) };
}

/** Gauss–Jordan, each row with its right side last. */
function solve(matrix: number[][]): number[] {
  const size = matrix.length;
  for (let column = 0; column < size; column += 1) {
    const rest = matrix.slice(column).map((row) => Math.abs(row[column] ?? 0));
    const pivot = column + rest.indexOf(Math.max(...rest));
    const [here, there] = [matrix[column] ?? [], matrix[pivot] ?? []];
    matrix[column] = there;
    matrix[pivot] = here;
    const by = there[column] ?? 1;
    for (const [index, row] of matrix.entries()) {
      if (index === column) continue;
      const times = (row[column] ?? 0) / by;
      matrix[index] = row.map((value, at) => value - times * (there[at] ?? 0));
    }
  }
  return matrix.map((row, index) => (row[size] ?? 0) / (row[index] ?? 1));
}

/** Counts have whole factors: what is one but for rounding is one. */
function tidy(value: number): number {
  const whole = Math.round(value);
  return Math.abs(value - whole) < 1e-6 * Math.max(1, Math.abs(whole)) ? whole : value;
}

const total = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

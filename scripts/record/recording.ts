// What a terminal showed, line by line, with the second at which each line came: `npm start` prints it before each event.

export interface Line {
  /** Seconds since the beginning. */
  at: number;
  text: string;
}

const widest = 112;

/** Paths of the machine, and what is longer than a terminal, are shortened. */
export function recordingOf(output: string, root: string): Line[] {
  let at = 0;
  return output.split('\n').map((printed) => {
    at = Number(/^ *([0-9]+\.[0-9])s /.exec(printed)?.[1] ?? at);
    const text = printed.replaceAll(`${root}/`, '').trimEnd();
    return { at, text: text.length > widest ? `${text.slice(0, widest - 1)}…` : text };
  });
}

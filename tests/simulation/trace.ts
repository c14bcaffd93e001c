// A history as people read it: one aligned line for each event. Nothing is kept unless somebody wants to see it.
export class Trace {
  readonly lines: string[] = [];
  private readonly wanted: boolean;
  private start: number | undefined;

  constructor(wanted: boolean) {
    this.wanted = wanted;
  }

  line(step: number, at: number, unit: string, process: string, text: string): void {
    if (!this.wanted) return;
    this.start ??= at;
    const seconds = ((at - this.start) / 1000).toFixed(3).padStart(10);
    const what = text.length > 150 ? `${text.slice(0, 150)}…` : text;
    this.lines.push(
      `${String(step).padStart(6)} ${seconds}s  ${unit.replace('concourse-ci', '').padEnd(4)} ${process.padEnd(28)} ${what.replaceAll('\n', ' ')}`,
    );
  }
}

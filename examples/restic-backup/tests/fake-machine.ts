// A machine that remembers what was written, and which programs were run.
import type { Machine } from '../src/machine.ts';

export class FakeMachine implements Machine {
  readonly files = new Map<string, { text: string; mode: number }>();
  readonly ran: string[] = [];
  /** Exit codes by command; 0 unless said. */
  readonly codes = new Map<string, number>();

  has = async (name: string) => this.files.has(name.startsWith('/') ? name : `/usr/bin/${name}`);

  write = async (path: string, text: string, mode: number) => {
    const isNew = this.files.get(path)?.text !== text;
    this.files.set(path, { text, mode });
    return isNew;
  };

  remove = async (path: string) => {
    this.files.delete(path);
  };

  run = async (program: string, args: readonly string[]) => {
    const command = [program, ...args].join(' ');
    this.ran.push(command);
    if (command === 'apt-get install --yes restic')
      this.files.set('/usr/bin/restic', { text: '', mode: 0o755 });
    return { code: this.codes.get(command) ?? 0 };
  };
}

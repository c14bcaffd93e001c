// One unit on a real machine: systemd as the first process of namespaces and a cgroup of its own, its power switch, and the
// agent outside, which runs each hook inside.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HookContext } from 'juju-ts-ops/testing';
import { unpackCharm } from '../charm.ts';
import { type ChildEnd, type ChildOptions, runChild } from '../child.ts';
import { codeOf } from '../errors.ts';
import { parseJujuExec } from '../juju-exec.ts';
import { writeToolFolders } from '../tools/folder.ts';
import { serveTools, type ToolAnswer, type ToolCall } from '../tools/server.ts';
import type { UnitMachine, UnitSurroundings } from '../unit.ts';
import { Uniter } from '../uniter.ts';
import { killBelow } from './kill.ts';
import type { Site } from './site.ts';

const startScript = fileURLToPath(new URL('start.sh', import.meta.url));
const sbinToo = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Where a machine sees the lab's sockets. */
const socketsInside = '/run/juju-lab';
const pollMs = 15;
/** A machine is up within a second; this is for one that hangs. */
const bootMs = 60_000;
/** Longer than systemd's own patience with a service that does not stop (90 s). */
const shutDownMs = 120_000;

export class Machine implements UnitMachine {
  readonly name: string;
  readonly uniter: Uniter;
  /** In Juju's place: `/var/lib/juju/agents/unit-<app>-<n>/charm`. */
  readonly charmDirectory: string;
  power: 'on' | 'off' | 'frozen' = 'on';
  /** Of its namespaces and its cgroup. */
  readonly fullName: string;
  /** The machine's disk as this host sees it; file systems mounted within are not seen here. */
  readonly root: string;
  /** What it has written to its disk, a removed file as a character device. */
  readonly written: string;
  readonly console: string;
  /** What `SiteOptions.lastWords` printed. */
  lastWords = '';
  readonly #around: UnitSurroundings;
  readonly #site: Site;
  readonly #tools: string;
  readonly #server: { close(): void };
  #nspawn: ChildProcess | undefined;
  #leader = 0;
  #up: Promise<void>;
  #unpacked: number | undefined;

  constructor(name: string, around: UnitSurroundings, site: Site) {
    const tag = name.replace('/', '-');
    const folder = join(site.folder, tag);
    this.name = name;
    this.#around = around;
    this.#site = site;
    this.fullName = `${site.id}-${tag}`;
    this.root = join(folder, 'root');
    this.written = join(folder, 'upper');
    this.console = join(folder, 'console.log');
    this.#tools = join(folder, 'agent');
    this.charmDirectory = `/var/lib/juju/agents/unit-${tag}/charm`;
    this.#makeDisk(folder, tag);
    site.plugIn(this.fullName, name);
    this.#server = serveTools(around.socket, (call, stdin) => this.#answer(call, stdin));
    const socket = join(socketsInside, basename(around.socket));
    this.uniter = new Uniter({
      juju: around.juju,
      clock: around.clock,
      unit: name,
      charmDirectory: this.charmDirectory,
      socket,
      temporary: '/var/tmp',
      environment: (operation) => ({
        JUJU_AGENT_SOCKET_ADDRESS: socket,
        PATH: `${this.#tools}/tools:${sbinToo}`,
        ...around.environment(operation),
      }),
      prepare: (context) => this.#prepare(context),
      seen: (path) => join(this.root, path),
      run: (command, args, options) => this.#runInside(command, args, options),
      onStart: around.onStart,
      onEnd: around.onEnd,
      onLine: (stream, record, line) => {
        around.onLine(stream === 'stdout' ? 'DEBUG' : 'WARNING', `${record.name}: ${line}`);
      },
      onChange: around.onChange,
    });
    this.#up = this.#start();
    // Whoever waits for the machine hears of it; until then it is nobody's.
    this.#up.catch(() => undefined);
  }

  /** Resolves when systemd has started everything that it starts at boot. */
  up(): Promise<void> {
    return this.#up;
  }

  /** Runs a program on the machine, as root, in the machine's own cgroup. Its end is a value, whatever it is. */
  async run(command: string, ...args: readonly string[]): Promise<ChildEnd> {
    await this.#up;
    const options = { cwd: '/', env: { PATH: sbinToo, LANG: 'C.UTF-8' }, onLine: () => undefined };
    return this.#runInside(command, args, { ...options, signal: new AbortController().signal });
  }

  /** A shell line; its standard output. Error when it fails. */
  async sh(line: string): Promise<string> {
    const { exitCode, stdout, stderr } = await this.run('/bin/sh', '-c', line);
    if (exitCode === 0) return stdout;
    throw new Error(`${this.name}: ${line}\nended with ${exitCode}: ${stderr.trim()}`);
  }

  async cutPower(): Promise<void> {
    this.power = 'off';
    this.uniter.stop();
    this.#write('cgroup.kill', '1');
    await this.#gone(bootMs);
    await this.uniter.ended();
  }

  async shutDown(): Promise<void> {
    this.uniter.stop();
    this.uniter.kill();
    await this.uniter.ended();
    await this.run('systemctl', '--no-block', 'reboot');
    await this.#gone(shutDownMs);
    this.power = 'off';
  }

  async boot(): Promise<void> {
    this.power = 'on';
    this.#up = this.#start();
    await this.#up;
  }

  freeze(): void {
    this.power = 'frozen';
    this.uniter.stop();
    this.#write('cgroup.freeze', '1');
  }

  thaw(): void {
    this.power = 'on';
    this.#write('cgroup.freeze', '0');
    this.uniter.start();
  }

  /** What a timer's command does, it does by juju-exec: then the agent is busy. */
  timersUnderWay(): string[] {
    return [];
  }

  readFile(path: string): string | undefined {
    const absolute = this.#throughLeader(path);
    return existsSync(absolute) ? readFileSync(absolute, 'utf8') : undefined;
  }

  writeFile(path: string, text: string): void {
    writeFileSync(this.#throughLeader(path), text);
  }

  /** Ends the machine for good. Its disk stays until the site goes, to be looked at. */
  async close(): Promise<void> {
    const { lastWords } = this.#site.options;
    if (lastWords !== undefined && this.power === 'on')
      this.lastWords = (await this.run('/bin/sh', '-c', lastWords)).stdout;
    await this.cutPower();
    this.#server.close();
  }

  /** Also what is mounted within; a link to an absolute path would lead to this host's. */
  #throughLeader(path: string): string {
    return join(`/proc/${this.#leader}/root`, resolve(this.charmDirectory, path));
  }

  #makeDisk(folder: string, tag: string): void {
    for (const name of ['upper', 'work', 'root', 'agent']) mkdirSync(join(folder, name), { recursive: true });
    const layers = `lowerdir=${this.#site.options.rootfs},upperdir=${folder}/upper,workdir=${folder}/work`;
    execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', layers, this.root]);
    const folders = { tools: join(this.#tools, 'tools'), bin: join(this.#tools, 'bin') };
    const socket = join(socketsInside, basename(this.#around.socket));
    writeToolFolders(folders, { socket, node: this.#around.node, client: 'perl', commands: ['juju-exec'] });
    symlinkSync(join(folders.bin, 'juju-exec'), join(this.root, 'usr/bin/juju-exec'));
    mkdirSync(join(this.root, dirname(this.charmDirectory)), { recursive: true });
    const own = (this.#site.options.hosts ?? []).map((line) =>
      line.replace('{switch}', this.#site.switchAddress),
    );
    writeFileSync(
      join(this.root, 'etc/hosts'),
      ['127.0.0.1 localhost', `127.0.1.1 ${tag}`, ...own, ''].join('\n'),
    );
  }

  async #start(): Promise<void> {
    const { options } = this.#site;
    const binds = [
      ...options.binds.filter(({ only }) => only?.(this.name) !== false),
      { from: dirname(this.#around.socket), to: socketsInside, readOnly: false },
      { from: this.#tools, to: this.#tools, readOnly: true },
    ].map(({ from, to, readOnly }) => `--bind${readOnly === true ? '-ro' : ''}=${from}:${to}`);
    const console = openSync(this.console, 'a');
    const host = basename(dirname(this.root));
    const nspawn = spawn(
      'unshare',
      ['-m', '--propagation', 'slave', '/bin/sh', startScript, this.fullName, this.root, host, ...binds],
      { stdio: ['ignore', console, console], detached: true, env: { PATH: sbinToo } },
    );
    nspawn.unref();
    this.#nspawn = nspawn;
    await this.#until(() => this.#findLeader(), bootMs, 'did not boot');
    const { stdout } = await this.#runInside('systemctl', ['is-system-running', '--wait'], {
      cwd: '/',
      env: { PATH: sbinToo },
      onLine: () => undefined,
      signal: new AbortController().signal,
    });
    if (!['running', 'degraded'].includes(stdout.trim())) {
      throw new Error(`${this.name} is ${stdout.trim() || 'silent'} after its boot: see ${this.console}`);
    }
  }

  /** systemd has made itself a cgroup, and listens. */
  #findLeader(): boolean {
    if (this.#nspawn?.exitCode != null)
      throw new Error(`${this.name} ended at its boot: see ${this.console}`);
    const procs = join(this.#cgroup(), 'payload/init.scope/cgroup.procs');
    const pid = existsSync(procs) ? Number(readFileSync(procs, 'utf8').split('\n')[0]) : 0;
    if (pid === 0 || !existsSync(`/proc/${pid}/root/run/systemd/private`)) return false;
    this.#leader = pid;
    return true;
  }

  /** nsenter leaves the cgroup as it is: without the machine's own, the process would survive a freeze. */
  #runInside(command: string, args: readonly string[], options: ChildOptions): Promise<ChildEnd> {
    const enter =
      'mkdir -p "$0" && echo $$ >"$0/cgroup.procs" && leader=$1 && folder=$2 && shift 2 && ' +
      'exec nsenter -t "$leader" -m -u -i -n -p -C env -C "$folder" "$@"';
    const words = [
      '-c',
      enter,
      join(this.#cgroup(), 'payload/agent'),
      String(this.#leader),
      options.cwd,
      command,
      ...args,
    ];
    return runChild('/bin/sh', words, { ...options, cwd: '/', kill: killBelow });
  }

  async #prepare({ charmRevision }: HookContext): Promise<void> {
    await this.#up;
    if (charmRevision === this.#unpacked) return;
    unpackCharm(this.#around.charmDirectory(), join(this.root, this.charmDirectory));
    this.#unpacked = charmRevision;
  }

  async #answer(call: ToolCall, stdin: string | undefined): Promise<ToolAnswer> {
    if (call.tool !== 'juju-exec') return this.uniter.answer(call, stdin);
    const parsed = parseJujuExec(call.argv, call.contextId, this.#around.onMachine());
    if ('refused' in parsed) return { code: parsed.code, stdout: '', stderr: `ERROR ${parsed.refused}\n` };
    return this.#around.runExec(parsed.request);
  }

  #cgroup(): string {
    return join(this.#site.cgroups, this.fullName);
  }

  #write(file: string, text: string): void {
    try {
      writeFileSync(join(this.#cgroup(), file), text);
    } catch (error) {
      // No cgroup, no machine: it has been switched off before, or never came up.
      if (codeOf(error) !== 'ENOENT') throw error;
    }
  }

  /** Until no process of the machine is left; then its cgroups go, so that the next boot begins with none. */
  async #gone(withinMs: number): Promise<void> {
    const events = join(this.#cgroup(), 'cgroup.events');
    const empty = (): boolean => !existsSync(events) || readFileSync(events, 'utf8').includes('populated 0');
    await this.#until(empty, withinMs, 'still has processes');
    if (existsSync(events))
      execFileSync('find', [this.#cgroup(), '-depth', '-type', 'd', '-exec', 'rmdir', '{}', ';']);
  }

  /** For what the kernel tells nobody. */
  async #until(holds: () => boolean, withinMs: number, otherwise: string): Promise<void> {
    const start = performance.now();
    while (!holds()) {
      if (performance.now() - start > withinMs)
        throw new Error(`${this.name} ${otherwise} within ${withinMs / 1000} s`);
      await new Promise((go) => setTimeout(go, pollMs));
    }
  }
}

// Plays a plan on real machines: what befalls them one after the other, then everything is mended, and then all must be well.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readlinkSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import {
  application,
  type ConcourseSite,
  concourseSite,
  installed,
  until,
  webService,
  workerService,
} from '../support/concourse-site.ts';
import { type Plan, type Step, versions } from './plan.ts';

/** Two machines at most are left alone with what they have. */
const fewestUnits = 2;
const mostUnits = 5;
const levels = ['debug', 'info', 'error'];

export async function play(plan: Plan, say: (line: string) => void): Promise<void> {
  const site = await concourseSite(versions, {
    ...(plan.postgres && { postgres: true }),
  });
  await site.deploy(plan.units, {
    mode: plan.mode,
    'upgrade-ready-timeout': '4s',
    'upgrade-complete-timeout': '8s',
  });
  const history = new History(site, say);
  const whole = watchRelease(site.volume);
  try {
    for (const step of plan.steps) {
      await new Promise((resolve) => setTimeout(resolve, step.afterMs));
      await history.take(step);
    }
    await history.mend();
  } finally {
    expect(whole.end()).toEqual([]);
  }
  await judge(site);
}

class History {
  readonly #site: ConcourseSite;
  readonly #say: (line: string) => void;
  /** By unit (or volume, or database): resolves when its trouble is over. */
  readonly #troubles = new Map<string, Promise<void>>();
  /** Ends the waiting of every trouble. */
  readonly #mended = new AbortController();
  readonly #toLookAt = new Set<string>();
  readonly #began = performance.now();
  #level = 0;

  constructor(site: ConcourseSite, say: (line: string) => void) {
    this.#site = site;
    this.#say = say;
  }

  async take(step: Step): Promise<void> {
    const { lab, machine, show, partition, heal, volume, postgres } = this.#site;
    const unit = this.#pick(step.target);
    const leader = lab.juju.leader(application);
    const note = (what: string): void => this.#note(what);
    switch (step.kind) {
      case 'version':
        note(`version=${step.version}`);
        return lab.configure(application, { version: step.version });
      case 'log-level':
        this.#level += 1;
        return lab.configure(application, { 'log-level': levels[this.#level % levels.length] ?? 'info' });
      case 'volume full':
        return this.#trouble('volume', step, () => {
          const { bavail, bsize } = statfsSync(volume);
          execFileSync('fallocate', ['-l', String(bavail * bsize), join(volume, 'filler')]);
          return () => rmSync(join(volume, 'filler'));
        });
      case 'database away':
        if (postgres === undefined) return;
        return this.#trouble('database', step, () => {
          postgres.stop();
          return () => postgres.start();
        });
      case 'add unit':
        if (lab.unitNames().length >= mostUnits) return;
        return note(`added ${lab.addUnit(application)}`);
      case 'prune':
      case 'upgrade':
      case 'rollback':
        if (leader !== undefined) this.#order(leader, step.kind);
        return;
    }
    if (unit === undefined) return;
    switch (step.kind) {
      case 'power cut':
        return this.#trouble(unit, step, async () => {
          await lab.kill(unit);
          return () => lab.boot(unit);
        });
      case 'reboot':
        note(`${step.kind} of ${unit}`);
        return lab.reboot(unit);
      case 'freeze':
        return this.#trouble(unit, step, () => {
          lab.freeze(unit);
          return () => lab.thaw(unit);
        });
      case 'partition':
        return this.#trouble(unit, step, () => {
          partition(unit);
          return () => heal(unit);
        });
      case 'agent down':
        return this.#trouble(unit, step, () => {
          lab.agentDown(unit);
          return () => lab.agentUp(unit);
        });
      case 'unmounted':
        return this.#trouble(unit, step, async () => {
          await machine(unit).sh('umount -l /var/lib/concourse');
          this.#toLookAt.add(unit);
          return async () => void (await machine(unit).sh('mount --bind /srv/volume /var/lib/concourse'));
        });
      case 'read-only':
        return this.#trouble(unit, step, async () => {
          await machine(unit).sh('mount -o remount,ro,bind /var/lib/concourse');
          this.#toLookAt.add(unit);
          return async () => void (await machine(unit).sh('mount -o remount,rw,bind /var/lib/concourse'));
        });
      case 'crash web':
      case 'crash worker': {
        const service = step.kind === 'crash web' ? webService : workerService;
        const { MainPID: pid = '0' } = await show(unit, service);
        if (pid === '0') return;
        note(`${service} of ${unit} is killed`);
        await machine(unit).run('kill', '-KILL', pid);
        return;
      }
      case 'leader':
        note(`${unit} leads`);
        return lab.setLeader(unit);
      case 'remove unit':
        if (this.#units().length <= fewestUnits) return;
        note(`${unit} is removed`);
        return lab.removeUnit(unit);
      case 'move-web':
        if (leader !== undefined) this.#order(leader, step.kind, { unit });
        return;
      case 'restart-services':
      case 'verify':
        return this.#order(unit, step.kind);
      default:
        step.kind satisfies never;
    }
  }

  /** Ends every trouble, and does what an administrator would: mount, look, resolve, and what the status says is to be typed. */
  async mend(): Promise<void> {
    this.#note('everything is mended');
    this.#mended.abort();
    await Promise.all(this.#troubles.values());
    const { lab, look, status } = this.#site;
    for (const unit of this.#units()) {
      if (lab.juju.model.units.get(unit)?.agent.failed !== undefined)
        lab.operate((juju) => juju.resolve(unit, { retry: true }));
    }
    // Of a mount nobody tells the charm.
    for (const unit of this.#units()) if (this.#toLookAt.has(unit)) await look(unit);
    await lab.settle({ timeoutMs: 120_000 });
    const typed = this.#units().filter((unit) => /leader upgrade/.test(status(unit).message));
    const leader = lab.juju.leader(application);
    if (typed.length > 0 && leader !== undefined) {
      this.#note(`${typed.join(', ')}: ${status(typed[0] ?? '').message}`);
      await lab.runAction(leader, 'upgrade');
    }
    await this.#site.settled();
  }

  #units(): string[] {
    const { lab } = this.#site;
    return lab.unitNames().filter((unit) => lab.juju.model.units.get(unit)?.life === 'alive');
  }

  #pick(target: number): string | undefined {
    const well = this.#units().filter((unit) => !this.#troubles.has(unit));
    return well[target % Math.max(well.length, 1)];
  }

  async #trouble(
    name: string,
    step: Step,
    begin: () => Promise<() => Promise<void> | void> | (() => Promise<void> | void),
  ): Promise<void> {
    if (this.#troubles.has(name)) return;
    this.#note(`${step.kind}: ${name}, for ${step.forMs} ms`);
    const begun = begin();
    const over = (async () => {
      const end = await begun;
      await this.#wait(step.forMs);
      await end();
      this.#troubles.delete(name);
      this.#note(`${name} is well again`);
    })();
    this.#troubles.set(name, over);
    // Whoever mends hears how it ended; until then it is nobody's.
    over.catch(() => undefined);
    await begun;
  }

  /** Until then, or until everything is mended. */
  #wait(ms: number): Promise<void> {
    const { signal } = this.#mended;
    return new Promise((resolve) => {
      setTimeout(resolve, signal.aborted ? 0 : ms);
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  /** What becomes of an action is its own affair. */
  #order(unit: string, action: string, params: Record<string, string> = {}): void {
    this.#note(`action ${action} on ${unit}`);
    this.#site.lab.operate((juju) => juju.runAction(unit, action, params));
  }

  #note(what: string): void {
    this.#say(`${((performance.now() - this.#began) / 1000).toFixed(1).padStart(6)} s  ${what}`);
  }
}

/** Looks ten times a second whether `bin` names a release that is there; `end` returns what was not so. */
function watchRelease(volume: string): { end(): string[] } {
  const seen: string[] = [];
  const timer = setInterval(() => {
    const target = readlinkSync(join(volume, 'bin'));
    if (!existsSync(join(volume, target, '../.manifest.json'))) seen.push(`bin points at ${target}`);
  }, 100);
  return {
    end() {
      clearInterval(timer);
      return seen;
    },
  };
}

/** All run what the goal says, and nothing is left that would not be there without the troubles. */
async function judge({ lab, facts, volume, show, webVersion }: ConcourseSite): Promise<void> {
  const goal = lab.juju.databag('peers', application);
  const [version = '', installer = ''] = [goal['version'], goal['installer']];
  expect(installed(volume)).toBe(version);
  expect(await webVersion(installer)).toBe(version);
  for (const unit of lab.unitNames()) {
    const own = facts(unit);
    if (own['role'] === 'web') continue;
    expect(own['running-worker'], unit).toBe(version);
    expect(await show(unit, workerService), unit).toMatchObject({
      ActiveState: 'active',
      UnitFileState: 'enabled',
    });
  }
  expect(facts(installer)['upgrade-state'] ?? 'complete').toBe('complete');
  const left = readdirSync(volume).filter((name) => /^\.(download|install\.lease)|filler|\.new$/.test(name));
  expect(left).toEqual([]);
  const staging = join(volume, '.staging');
  expect(existsSync(staging) ? readdirSync(staging) : []).toEqual([]);
  const folders = lab.unitNames().map((unit) => unit.replace('/', '-'));
  await until(
    () => readdirSync(join(volume, 'worker')).every((name) => folders.includes(name)),
    5000,
    `worker folders: ${readdirSync(join(volume, 'worker')).join(', ')}; units: ${folders.join(', ')}`,
  );
}

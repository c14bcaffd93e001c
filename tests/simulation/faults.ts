// Makes planned faults happen in a world, and undoes those that are for a time. A fault that is impossible just then is passed over.
import { Impossible } from 'juju-ts-ops/testing';
import type { Machine } from './machine.ts';
import { type ActionFault, type Fault, type FaultKind, targets } from './plan.ts';
import { webService, workerService } from './services.ts';
import type { Trace } from './trace.ts';
import { application, appOf } from './topology.ts';
import type { App, World } from './world.ts';

export class Faults {
  /** How often each kind really happened. */
  readonly happened = new Map<FaultKind, number>();
  /** After one of these, Juju itself may tell nobody. */
  untold = false;
  private readonly agenda: { at: number; what: string; act: () => void }[] = [];
  private readonly world: World;
  private readonly trace: Trace;
  private wanted = 0;
  private readonly asked: string[] = [''];

  constructor(world: World, trace: Trace) {
    this.world = world;
    this.trace = trace;
  }

  /** When the next fault ends by itself. */
  nextTime(): number {
    return Math.min(Number.POSITIVE_INFINITY, ...this.agenda.map(({ at }) => at));
  }

  endDue(): void {
    const due = this.agenda.filter(({ at }) => at <= this.world.scheduler.now).sort((a, b) => a.at - b.at);
    for (const each of due) this.end(each);
  }

  /** Everything is healed at once. */
  endAll(): void {
    for (const each of [...this.agenda].sort((a, b) => a.at - b.at)) this.end(each);
  }

  private end(each: { at: number; what: string; act: () => void }): void {
    const index = this.agenda.indexOf(each);
    if (index < 0) return;
    this.agenda.splice(index, 1);
    this.say(each.what);
    each.act();
  }

  private later(ms: number, what: string, act: () => void): void {
    this.agenda.push({ at: this.world.scheduler.now + ms, what, act });
  }

  private say(what: string): void {
    this.trace.line(this.world.scheduler.steps, this.world.scheduler.now, '', '', `*** ${what}`);
  }

  /** `on`: the unit to which it happens, whatever number the fault has. */
  apply(fault: Fault, on?: string): void {
    try {
      const what = this.happen(fault, on);
      if (what === undefined) return;
      this.happened.set(fault.kind, (this.happened.get(fault.kind) ?? 0) + 1);
      this.say(`${fault.kind}: ${what}`);
    } catch (error) {
      if (!(error instanceof Impossible)) throw error;
    }
  }

  /** The unit that a number means: units come and go, so it counts those that are there. */
  private unit(number: number): string | undefined {
    const units = this.world.allUnits();
    return units[number % Math.max(units.length, 1)];
  }

  /** The application of workers alone that a number means. */
  private elsewhere(number: number): App | undefined {
    const apps = this.world.apps.slice(1);
    return apps[number % Math.max(apps.length, 1)];
  }

  private running(number: number): string | undefined {
    const running = [...this.world.running.keys()];
    return running[number % Math.max(running.length, 1)];
  }

  /** What happened, in a few words; undefined: nothing could. */
  private happen(fault: Fault, on: string | undefined): string | undefined {
    const { world } = this;
    const { juju, scheduler } = world;
    switch (fault.kind) {
      case 'crash': {
        const unit = on ?? this.running(fault.unit);
        // An action is not run again: what it left waits for the next hook.
        if (unit !== undefined && world.running.get(unit)?.process.name.startsWith('action'))
          this.untold = true;
        return unit !== undefined && world.kill(unit, true) ? `the hook on ${unit} gets SIGKILL` : undefined;
      }
      case 'blackout':
        return this.blackout();
      case 'lying-flock':
        world.flocks.lying = true;
        this.later(fault.ms, 'flock is honest again', () => {
          world.flocks.lying = false;
        });
        return 'flock lets everybody in';
      case 'version':
        // Changed and changed back, by whatever way, before anybody was told: to Juju nothing changed, and a hook that looked meanwhile
        // stands alone.
        if (this.asked.slice(0, -1).includes(fault.version)) this.untold = true;
        this.asked.push(fault.version);
        juju.configure(application, { version: fault.version });
        return fault.version;
      case 'reset-version':
        if (juju.model.profile === '4.0') this.untold = true;
        juju.resetConfig(application, ['version']);
        return 'the option is reset';
      case 'refresh': {
        this.wanted += 1;
        const pin = ['8.1.0', '8.2.0', '8.3.0', '8.4.0'][Math.min(this.wanted, 3)] ?? '8.4.0';
        world.app(application).pins.push(pin);
        juju.refresh(application, world.charmFiles);
        return `the charm pins ${pin}`;
      }
      case 'add': {
        const { name } = world.apps[(fault.app ?? 0) % world.apps.length] ?? { name: application };
        if (world.allUnits().length > 5) return undefined;
        return juju.addUnit(name);
      }
      case 'unrelate': {
        const app = this.elsewhere(fault.app);
        if (app?.related !== true) return undefined;
        app.related = false;
        world.relate();
        this.later(fault.ms, `${app.name} is related to web again`, () => {
          app.related = true;
        });
        return `${app.name} has no web for ${fault.ms} ms`;
      }
      case 'apart': {
        const app = this.elsewhere(fault.app);
        if (app === undefined) return undefined;
        const set = (apart: boolean) => {
          for (const machine of world.machinesOf(app.name)) machine.apart = apart;
        };
        set(true);
        this.later(fault.ms, `${app.name} reaches web`, () => set(false));
        return `workers of ${app.name} do not reach web for ${fault.ms} ms`;
      }
      case 'workers-config': {
        const app = this.elsewhere(fault.app);
        if (app === undefined) return undefined;
        juju.configure(app.name, { [fault.option]: fault.value });
        return `${app.name} ${fault.option}=${fault.value}`;
      }
      case 'workers-refresh': {
        const app = this.elsewhere(fault.app);
        if (app === undefined) return undefined;
        app.pins.push(fault.version);
        juju.refresh(app.name, world.charmFiles);
        return `the charm of ${app.name} pins ${fault.version}`;
      }
      case 'server':
        world.mirror.state = fault.state;
        this.later(fault.ms, 'the mirror is well', () => {
          world.mirror.state = 'good';
        });
        return fault.state;
      case 'silent-web': {
        const silence = (quiet: boolean) => {
          for (const machine of world.machinesByUnit.values()) {
            if (quiet) machine.systemd.troubles.silent.add(fault.version);
            else machine.systemd.troubles.silent.delete(fault.version);
          }
        };
        silence(true);
        this.later(fault.ms, `web ${fault.version} answers`, () => silence(false));
        return fault.version;
      }
      default: {
        const unit = on ?? this.unit(fault.unit);
        if (unit === undefined) return undefined;
        const what = this.onUnit(fault, unit, world.machine(unit), scheduler.now);
        return what === undefined ? undefined : `${unit} ${what}`;
      }
    }
  }

  private onUnit(
    fault: Exclude<Extract<Fault, { unit: number }>, { kind: 'crash' | 'blackout' }>,
    unit: string,
    machine: Machine,
    now: number,
  ): string | undefined {
    const { world } = this;
    const { juju } = world;
    switch (fault.kind) {
      case 'leader':
        if (!world.works(unit)) return undefined;
        juju.setLeader(appOf(unit), unit);
        return 'leads now';
      case 'remove':
        if (!this.canGo(unit)) return undefined;
        if (juju.model.profile === '4.0') this.untold = true;
        juju.removeUnit(unit);
        return 'is removed';
      case 'remove-force':
        if (!this.canGo(unit)) return undefined;
        this.untold = true;
        world.kill(unit, false);
        juju.removeUnit(unit, { force: true });
        this.powerOff(machine);
        world.invariants.forget(unit);
        return 'is removed by force, with its machine';
      case 'resolve-retry':
      case 'resolve-no-retry':
        if (fault.kind === 'resolve-no-retry') this.untold = true;
        juju.resolve(unit, { retry: fault.kind === 'resolve-retry' });
        return 'is resolved';
      case 'freeze':
        machine.frozenUntil = Math.max(machine.frozenUntil, now + fault.ms);
        for (const process of machine.processes.values()) process.frozenUntil = machine.frozenUntil;
        this.moveLease(unit, fault.ms);
        return `is frozen for ${fault.ms} ms`;
      case 'cut':
        if (machine.cut) return undefined;
        machine.cut = true;
        juju.partition(unit);
        this.later(fault.ms, `${unit} reaches the controller`, () => {
          machine.cut = false;
          if (juju.model.units.has(unit)) juju.heal(unit);
        });
        return `does not reach the controller for ${fault.ms} ms`;
      case 'power':
        if (!machine.powered) return undefined;
        this.cutPower(unit, machine);
        machine.own.lose(world.random);
        this.later(fault.ms, `${unit} boots`, () => this.boot(unit, machine));
        return `loses power for ${fault.ms} ms`;
      case 'volume-hung':
      case 'volume-broken': {
        if (machine.link.state !== 'good') return undefined;
        machine.link.state = fault.kind === 'volume-hung' ? 'hung' : 'broken';
        // The server gives the lock to another; the old holder is not told.
        for (const process of machine.processes.values()) world.flocks.free(process);
        this.later(fault.ms, `${unit} reaches the volume`, () => {
          machine.link.state = 'good';
          for (const process of machine.processes.values()) world.scheduler.release(process);
        });
        return `has lost the volume for ${fault.ms} ms`;
      }
      case 'volume-gone':
        if (!machine.mounted) return undefined;
        machine.unmount();
        this.later(fault.ms, `${unit} has its volume mounted`, () => machine.mount());
        return `finds the volume unmounted for ${fault.ms} ms`;
      case 'full':
      case 'read-only': {
        const shared = appOf(unit) === application ? world.volume : machine.volume;
        const disk = (fault.unit % 2 === 0 ? shared : machine.volume) ?? machine.own;
        const trouble = fault.kind === 'full' ? 'full' : 'readOnly';
        disk[trouble] = true;
        this.later(fault.ms, 'the disk takes writes again', () => {
          disk[trouble] = false;
        });
        return `meets a disk that is ${fault.kind} for ${fault.ms} ms`;
      }
      case 'fsync':
        (machine.volume ?? machine.own).failingSyncs = fault.count;
        this.later(120_000, 'fsync works', () => {
          (machine.volume ?? machine.own).failingSyncs = 0;
        });
        return `meets ${fault.count} failing fsyncs`;
      case 'stale':
        machine.link.staleMs = fault.ageMs;
        this.later(fault.ms, `${unit} looks names up again`, () => {
          machine.link.staleMs = 0;
        });
        return `sees names up to ${fault.ageMs} ms late`;
      case 'clock':
        machine.wallOffsetMs += fault.ms;
        return `has its clock moved by ${fault.ms} ms`;
      case 'address':
        machine.address = fault.address;
        juju.changeAddress(unit, fault.address);
        return `has the address ${fault.address} now`;
      case 'die': {
        const service = fault.service === 'web' ? webService : workerService;
        if (!machine.systemd.isUp(service)) return undefined;
        machine.systemd.die(service);
        return `loses its ${fault.service} process`;
      }
      case 'no-start':
        machine.systemd.troubles.failingStarts = fault.count;
        this.later(fault.ms, `services of ${unit} start`, () => {
          machine.systemd.troubles.failingStarts = 0;
        });
        return `cannot start the next ${fault.count} services`;
      case 'slow-stop':
      case 'slow-web': {
        const { troubles } = machine.systemd;
        const which = fault.kind === 'slow-stop' ? 'stopMs' : 'webMs';
        const before = troubles[which];
        troubles[which] = fault.ms;
        this.later(fault.forMs, `${unit} is not slow any more`, () => {
          troubles[which] = before;
        });
        return `takes ${fault.ms} ms (${fault.kind})`;
      }
      case 'action': {
        const app = fault.action === 'move-web' ? application : appOf(unit);
        const leads = ['upgrade', 'rollback', 'move-web', 'hold', 'resume'].includes(fault.action);
        const installer = fault.action === 'prefetch' ? world.goal(app).installer : undefined;
        const at = (leads ? juju.leader(app) : installer) ?? unit;
        const own = juju.units(app);
        const meant = appOf(unit) === app ? unit : (own[fault.unit % Math.max(own.length, 1)] ?? unit);
        juju.runAction(at, fault.action, paramsOf(fault.action, meant, fault.unit));
        return `${fault.action} runs on ${at}`;
      }
      default:
        return fault satisfies never;
    }
  }

  /** Each application keeps a unit; where there is one application, two of them. Where web's has but one, the operator adds another. */
  private canGo(unit: string): boolean {
    const { world } = this;
    const app = appOf(unit);
    if (world.settings.polled === true && !world.invariants.webs.goesOnWithout(unit)) return false;
    const left = world.units(app).length - 1;
    if (world.apps.length === 1) return left >= 2;
    if (left === 0 && app === application) world.juju.addUnit(app);
    return left > 0 || app === application;
  }

  /** A leader that cannot renew its lease for so long loses it. */
  private moveLease(unit: string, ms: number): void {
    const { juju } = this.world;
    const app = appOf(unit);
    if (ms < 60_000 || juju.leader(app) !== unit) return;
    this.later(30_000 + this.world.random.below(30_000), 'the lease is over', () => {
      const next = this.world.units(app).find((each) => each !== unit && this.world.works(each));
      if (next !== undefined && juju.leader(app) === unit && !this.world.works(unit))
        juju.setLeader(app, next);
    });
  }

  private cutPower(unit: string, machine: Machine): void {
    const { juju } = this.world;
    this.world.kill(unit, false);
    this.powerOff(machine);
    if (juju.model.units.has(unit)) juju.agentDown(unit);
    this.world.invariants.forget(unit);
  }

  private powerOff(machine: Machine): void {
    machine.powered = false;
    machine.frozenUntil = 0;
    machine.systemd.powerOff();
  }

  private boot(unit: string, machine: Machine): void {
    const { juju } = this.world;
    if (machine.powered || !juju.model.units.has(unit)) return;
    machine.powerOn();
    juju.agentUp(unit);
  }

  /** Everything loses power, the volume's own server as well. */
  private blackout(): string {
    const { world } = this;
    for (const [unit, machine] of world.machinesByUnit) {
      if (!machine.powered) continue;
      this.cutPower(unit, machine);
      machine.own.lose(world.random);
      const { volume } = machine;
      if (volume !== undefined && !world.isShared(volume)) volume.lose(world.random);
      this.later(1_000 + world.random.below(120_000), `${unit} boots`, () => this.boot(unit, machine));
    }
    for (const volume of world.volumes()) {
      if (world.isShared(volume)) volume.lose(world.random);
      world.guard(() => world.invariants.wholeReleases(volume, 'after a power cut'));
    }
    return 'everything loses power';
  }
}

/** A worker's builds may take longer than a hook is allowed to: an operator would not wait for them either. */
function paramsOf(action: ActionFault, unit: string, number: number): Record<string, string> {
  if (action === 'move-web') return { unit };
  if (action === 'prefetch') return { version: targets[number % targets.length] ?? targets[0] };
  return action === 'land-worker' || action === 'retire-worker' ? { timeout: '60s' } : {};
}

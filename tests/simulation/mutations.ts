// The deliberate defects: for each invariant at least one, which the simulation must catch.
import type { Bias } from './plan.ts';

export interface Mutation {
  name: string;
  /** What is wrong with it, in a few words. */
  why: string;
  /** Which invariants it may break: one of them must be seen to. */
  breaks: number[];
  edits: readonly { file: string; find: string; replace: string }[];
  /** Faults that it shows under, drawn more often. */
  bias: Bias;
}

export const mutations: readonly Mutation[] = [
  {
    name: 'workers-elsewhere-ahead-of-web',
    why: 'web tells workers of other applications the version that it is about to run',
    breaks: [7],
    edits: [
      {
        file: 'src/upgrade/elsewhere.ts',
        find: "'concourse-version': answers,",
        replace: "'concourse-version': o.goal?.version,",
      },
    ],
    bias: { elsewhere: 1, version: 6, server: 4 },
  },
  {
    name: 'prunes-what-web-goes-to',
    why: 'what workers elsewhere have staged for web’s upgrade is removed, since their own goal does not name it',
    breaks: [3, 6],
    edits: [
      {
        file: 'src/upgrade/tidying.ts',
        find: 'o.memory.prefetched, ...theirs];',
        replace: 'o.memory.prefetched];',
      },
    ],
    bias: { elsewhere: 1, version: 10 },
  },
  {
    name: 'stops-for-what-is-not-there',
    why: 'a worker elsewhere stops for a release that its own volume does not have',
    breaks: [6],
    edits: [
      {
        file: 'src/upgrade/worker.ts',
        find: 'if (unready && o.worker.upgrade?.id !== id) return',
        replace: "if (unready && o.unit === '') return",
      },
    ],
    bias: { elsewhere: 1, version: 8, server: 8 },
  },
  {
    name: 'does-not-wait-for-guests-to-stage',
    why: 'web begins an upgrade while workers elsewhere are still fetching the release',
    breaks: [6],
    edits: [
      {
        file: 'src/upgrade/installer.ts',
        find: '    stagingElsewhere(o, goal) ??\n',
        replace: '',
      },
    ],
    bias: { elsewhere: 1 },
  },
  {
    name: 'does-not-wait-for-guests-to-stop',
    why: 'web switches before workers elsewhere have stopped',
    breaks: [4],
    edits: [
      {
        file: 'src/upgrade/installer.ts',
        find: "...(o.facts['upgrade-turn'] === undefined ? unacknowledgedElsewhere(o, to) : []),",
        replace: '',
      },
    ],
    bias: { elsewhere: 1 },
  },
  {
    name: 'guests-install-on-webs-volume',
    why: 'an application of workers that shares web’s volume installs there, too',
    breaks: [1, 3, 7],
    edits: [
      {
        file: 'src/upgrade/volume.ts',
        find: "if (settings.mode !== 'worker' || identity === undefined || !isForeign(o)) return false;",
        replace:
          "if (settings.mode !== 'worker' || identity === undefined || !isForeign(o) || goal !== undefined) return false;",
      },
    ],
    bias: { elsewhere: 1 },
  },
  {
    name: 'migrates-beside-other-webs',
    why: 'web migrates its database although another web has not stopped by the deadline',
    breaks: [4],
    edits: [
      {
        file: 'src/upgrade/installer.ts',
        find: "  if (running.length > 0) return complete('unchanged',",
        replace: "  if (running.length > 0 && o.unit === '') return complete('unchanged',",
      },
    ],
    bias: { elsewhere: 1, webs: 1, version: 8, freeze: 6, cut: 6 },
  },
  {
    name: 'webs-do-not-stop-for-a-migration',
    why: 'other webs are left running while the database is migrated',
    breaks: [4],
    edits: [
      {
        file: 'src/upgrade/installer.ts',
        find: 'stopsWeb(o, goal, installed) || undefined,',
        replace: "(stopsWeb(o, goal, installed) && o.unit === '') || undefined,",
      },
    ],
    bias: { elsewhere: 1, webs: 1 },
  },
  {
    name: 'webs-follow-all-at-once',
    why: 'webs do not wait for those before them to answer',
    breaks: [11],
    edits: [
      {
        file: 'src/upgrade/webs.ts',
        find: '  return first === undefined ? undefined : statuses.webInTurn(first, installed);',
        replace:
          "  return first === undefined || first !== '' ? undefined : statuses.webInTurn(first, installed);",
      },
    ],
    bias: { elsewhere: 1, webs: 1, polled: 1, version: 8 },
  },
  {
    name: 'rolls-all-at-once',
    why: 'more workers go to a release at once than max-unavailable allows',
    breaks: [12],
    edits: [
      {
        file: 'src/upgrade/rolling.ts',
        find: '!resumed(goal) ? 1 : settings.maxUnavailable;',
        replace: '!resumed(goal) ? 9 : settings.maxUnavailable + 9;',
      },
    ],
    bias: { elsewhere: 1, webs: 0, rolls: 1, version: 6 },
  },
  {
    name: 'goes-before-its-turn',
    why: 'a worker goes to the next release although it is not its turn',
    breaks: [12],
    edits: [
      {
        file: 'src/upgrade/rolling.ts',
        find: "installer['upgrade-turn']?.includes(unit) !== false;",
        replace: "installer['upgrade-turn']?.includes(unit) !== false || unit !== '';",
      },
    ],
    bias: { elsewhere: 1, webs: 0, rolls: 1, version: 6 },
  },
  {
    name: 'guests-are-not-let-in',
    why: 'web lets in the workers of its own application alone',
    breaks: [8],
    edits: [
      {
        file: 'src/upgrade/elsewhere.ts',
        find: 'publicSsh === undefined ? [] : [{ ...more, publicSsh }]',
        replace: "publicSsh === undefined || more.name !== '' ? [] : [{ ...more, publicSsh }]",
      },
    ],
    bias: { elsewhere: 1 },
  },
  {
    name: 'any-consent',
    why: 'an acknowledgement of any earlier upgrade counts',
    breaks: [4],
    edits: [
      {
        file: 'src/upgrade/acknowledgements.ts',
        find: "theirs?.['upgrade-ready'] === true && theirs['upgrade-id'] === own['upgrade-id']",
        replace: "theirs?.['upgrade-ready'] === true",
      },
    ],
    bias: { version: 6, freeze: 4, cut: 4 },
  },
  {
    name: 'no-look-again',
    why: 'an installer whose upgrade ended short of the goal waits to be woken',
    breaks: [8],
    edits: [
      {
        file: 'src/upgrade/installer.ts',
        find: '  return ended && o.volume.installed !== goal.version ? { ...step, wakeAt: o.now } : step;',
        replace: "  return ended && o.volume.installed === '' ? { ...step, wakeAt: o.now } : step;",
      },
    ],
    bias: {
      story: [
        ['volume-broken', { when: 'systemctl stop concourse-worker', elsewhere: true, unit: 0, ms: 150_000 }],
        ['version', { version: '8.4.0' }],
      ],
      'volume-broken': 6,
      freeze: 4,
      version: 8,
    },
  },
  {
    name: 'no-way-out-of-an-old-version',
    why: 'a status names a rollback to a release that is not there',
    breaks: [8],
    edits: [
      {
        file: 'src/upgrade/installer.ts',
        find: 'const refused = o.volume.releases.has(goal.version) ? statuses.tooOld : statuses.tooOldAndGone;',
        replace: "const refused = o.volume.releases.has('') ? statuses.tooOldAndGone : statuses.tooOld;",
      },
    ],
    bias: {},
  },
  {
    name: 'rest-of-a-clock-set-back',
    why: 'a pause after a failed download lasts until a clock that was set back catches up',
    breaks: [8],
    edits: [
      {
        file: 'src/upgrade/installer.ts',
        find: 'const early = earlier !== undefined && !hasPassed(earlier.notBefore, o.now, longestRetryMs);',
        replace: 'const early = earlier !== undefined && earlier.notBefore > o.now;',
      },
    ],
    bias: { clock: 4, server: 4, fsync: 4 },
  },
  {
    name: 'no-second-look-at-the-volume',
    why: 'nobody looks whether a volume that was away is back',
    breaks: [5, 8],
    edits: [
      {
        file: 'src/decide.ts',
        find: 'const wakeAt = verdict.lookAgain ? o.now + lookAgainMs : undefined;',
        replace: 'const wakeAt = verdict.lookAgain ? undefined : undefined;',
      },
    ],
    bias: { 'volume-gone': 8, 'read-only': 6, 'volume-broken': 6 },
  },
  {
    name: 'restart-whatever-runs',
    why: 'restart-services starts a worker on a release that the volume does not name',
    breaks: [7],
    edits: [
      {
        file: 'src/actions/services.ts',
        find: 'if (ownUp(o.worker) && o.worker.runningVersion !== o.volume.installed) {',
        replace: "if (ownUp(o.worker) && o.worker.runningVersion === 'none') {",
      },
    ],
    bias: { action: 10, actions: ['restart-services'], 'volume-broken': 8, 'volume-gone': 6, version: 4 },
  },
  {
    name: 'strangers-do-not-count',
    why: 'a new installer switches before it has met the others',
    breaks: [3, 4],
    edits: [
      {
        file: 'src/upgrade/gates.ts',
        find: 'if (o.unmet.length === 0) return undefined;',
        replace: 'if (o.unmet.length >= 0) return undefined;',
      },
    ],
    bias: {
      story: [
        ['version', { version: '8.4.0' }],
        ['add', {}],
        ['action', { unit: 3, action: 'move-web' }],
      ],
      add: 4,
      action: 4,
      'remove-force': 3,
    },
  },
  {
    name: 'prunes-what-nobody-has-said',
    why: 'a release is removed while a unit that stopped for an earlier upgrade has yet to say what it runs',
    breaks: [3],
    edits: [
      {
        file: 'src/upgrade/tidying.ts',
        find: '  if (silentUnits(o).length > 0) return [];\n',
        replace: '',
      },
    ],
    bias: {
      story: [
        ['freeze', { when: 'symlink ', ms: 6 * 60_000 }],
        ['volume-hung', { when: 'systemctl restart concourse-worker', ms: 4 * 60_000 }],
        ['version', { version: '8.4.0' }],
      ],
      'volume-hung': 6,
      freeze: 6,
      version: 8,
    },
  },
  {
    name: 'retires-what-runs-only',
    why: 'a worker that systemd is about to start again is not stopped when its unit becomes web',
    breaks: [8, 9],
    edits: [
      {
        file: 'src/perform/retire.ts',
        find: "before?.active === 'activating'",
        replace: "before?.active === 'deactivating'",
      },
    ],
    bias: {
      story: [
        ['no-start', { unit: 1, ms: 10 * 60_000 }],
        ['die', { unit: 1 }],
        ['action', { action: 'move-web', unit: 1 }],
      ],
      die: 6,
      'no-start': 6,
    },
  },
  {
    name: 'rollback-for-ever',
    why: 'a rollback that failed cannot be given up',
    breaks: [8],
    edits: [
      {
        file: 'src/actions/upgrades.ts',
        find: 'if (goal.version === next.version) return {',
        replace: "if (next.version !== '') return {",
      },
      {
        file: 'src/upgrade/installer.ts',
        find: "goal['skip-version'] === undefined ? statuses.unchanged : statuses.notRolledBack",
        replace: 'statuses.unchanged',
      },
    ],
    bias: {
      story: [
        ['version', { version: '8.4.0' }],
        ['action', { when: 'status-set active worker 8.4.0', elsewhere: true, unit: 0, action: 'rollback' }],
        ['read-only', { when: 'systemctl stop concourse-worker', elsewhere: true, unit: 0, ms: 5 * 60_000 }],
      ],
      version: 6,
      'read-only': 6,
    },
  },
  {
    name: 'ghosts-install',
    why: 'a unit waits for one that was removed by force to install on the volume that they shared',
    breaks: [8],
    edits: [
      {
        file: 'src/observe/peers.ts',
        find: 'about.leader || installs || about.ownVolume || about.oneOfWebs ? await',
        replace: 'about.leader || installs || about.oneOfWebs ? await',
      },
    ],
    bias: {
      ownVolumes: 1,
      story: [
        ['version', { version: '8.4.0' }],
        ['remove-force', { unit: 0 }],
      ],
      'remove-force': 4,
      leader: 4,
    },
  },
  {
    name: 'lost-ones-do-not-count',
    why: 'a new installer does not wait for units whose agents are lost and that it never met',
    breaks: [3, 4],
    edits: [
      {
        file: 'src/upgrade/installer.ts',
        find: '    ...o.lost,\n',
        replace: '',
      },
    ],
    bias: {
      story: [
        ['version', {}],
        ['add', {}],
        ['blackout', {}],
        ['remove-force', { unit: 0 }],
      ],
      add: 4,
      blackout: 4,
      'remove-force': 4,
    },
  },
  {
    name: 'rollback-to-the-configured-version',
    why: 'a rollback to the version that is configured is called off by the leader',
    breaks: [8],
    edits: [
      {
        file: 'src/upgrade/goal.ts',
        find: '  if (skipped === undefined || !isInstalled(goal, inputs)) return goal;',
        replace: '  if (skipped === undefined) return goal;',
      },
    ],
    bias: { version: 12, action: 3, actions: ['rollback'], leader: 4 },
  },
  {
    name: 'follows-bin-after-giving-up',
    why: 'a worker that gave up on an upgrade is restarted before web is',
    breaks: [5],
    edits: [
      {
        file: 'src/upgrade/worker.ts',
        find: '  if (up && enabled && runningVersion !== undefined) {',
        replace: "  if (up && enabled && runningVersion === '') {",
      },
    ],
    bias: { power: 4, freeze: 4 },
  },
  {
    name: 'deadline-before-it-is-heard',
    why: 'the deadline for acknowledgements runs before prepare is published',
    breaks: [4],
    edits: [
      {
        file: 'src/upgrade/installer.ts',
        find: "    o.published['upgrade-state'] === 'prepare' && o.published['upgrade-id'] === o.facts['upgrade-id'];",
        replace: "    o.facts['upgrade-state'] === 'prepare';",
      },
    ],
    bias: { 'slow-web': 5, 'slow-stop': 5 },
  },
  {
    name: 'own-volume-is-never-tidied',
    why: 'what a crash leaves on a volume of a unit of its own stays there',
    breaks: [8],
    edits: [
      {
        file: 'src/upgrade/tidying.ts',
        find: '  const installs = own ? localInstaller(o) === o.unit : goal.installer === o.unit;',
        replace: '  const installs = !own && goal.installer === o.unit;',
      },
    ],
    bias: {
      ownVolumes: 1,
      story: [['power', { when: 'rename ' }]],
      power: 6,
      crash: 6,
    },
  },
  {
    name: 'marks-first',
    why: 'the marks of what runs are written before what runs',
    breaks: [8],
    edits: [
      {
        file: 'src/perform/web.ts',
        find: '  await host.services.install(WEB_SERVICE, plan.unit);\n  for (const file of marksLast(plan)) {\n    await replaceFile(host.files, { ...file, gid: file.group === undefined ? undefined : gid });\n  }\n',
        replace:
          '  for (const file of plan.files) {\n    await replaceFile(host.files, { ...file, gid: file.group === undefined ? undefined : gid });\n  }\n  await host.services.install(WEB_SERVICE, plan.unit);\n',
      },
    ],
    bias: {
      story: [['power', { when: 'install concourse-server', ms: 60_000 }]],
      power: 10,
      blackout: 6,
    },
  },
  {
    name: 'no-fence',
    why: 'a new holder of the lock leaves the folders of the old one where they are',
    breaks: [1, 3],
    edits: [
      {
        file: 'src/storage/sweep.ts',
        find: 'filter((name) => name !== own)',
        replace: "filter((name) => name === '')",
      },
    ],
    bias: {
      story: [
        ['volume-hung', { when: 'rename ', ms: 8 * 60_000 }],
        ['leader', {}],
        ['action', { action: 'move-web', unit: 1 }],
        ['leader', {}],
      ],
      'volume-hung': 10,
      leader: 8,
      action: 8,
      actions: ['move-web'],
      version: 6,
    },
  },
  {
    name: 'unverified',
    why: 'an archive is not compared with its digest',
    breaks: [2],
    edits: [
      { file: 'src/release/stage.ts', find: '  if (found !== hex) {', replace: "  if (found === '') {" },
    ],
    bias: { server: 8, version: 4 },
  },
  {
    name: 'no-fsync',
    why: 'files of a release are not synced',
    breaks: [2],
    edits: [
      {
        file: 'src/release/tree.ts',
        find: '.then(() => writer.sync())',
        replace: '.then(() => writer.write(Buffer.alloc(0)))',
      },
    ],
    bias: { blackout: 8 },
  },
  {
    name: 'no-directory-fsync',
    why: 'names of a release are not synced',
    breaks: [2, 6],
    edits: [
      {
        file: 'src/release/tree.ts',
        find: '      await this.#files.syncDirectory(this.#absolute(path));',
        replace: '      await this.#files.lstat(this.#absolute(path));',
      },
      {
        file: 'src/storage/held.ts',
        find: '      await change(stagedDirectory, release);\n      await files.syncDirectory(layout.releases);',
        replace: '      await change(stagedDirectory, release);',
      },
      {
        file: 'src/release/stage.ts',
        find: '  await files.syncDirectory(directory);\n  await files.syncDirectory(area.directory);\n',
        replace: '',
      },
    ],
    bias: { blackout: 12 },
  },
  {
    name: 'prunes-what-runs',
    why: 'a release is removed that a unit says it runs',
    breaks: [3],
    edits: [{ file: 'src/storage/prune.ts', find: '!volume.running.has(version) && ', replace: '' }],
    bias: {
      story: [
        ['cut', { unit: 1, ms: 30 * 60_000 }],
        ['version', { version: '8.3.0' }],
        ['version', { version: '8.4.0' }],
      ],
      cut: 8,
      freeze: 6,
      version: 10,
    },
  },
  {
    name: 'no-deadline',
    why: 'a worker waits for an upgrade without end',
    breaks: [5],
    edits: [
      {
        file: 'src/upgrade/worker.ts',
        find: '  if (hasPassed(deadline, o.now, o.settings.upgradeCompleteTimeoutMs)) return goOn(o, goal, installer, id);\n  if (o.worker.up',
        replace: '  if (o.worker.up',
      },
    ],
    bias: {
      story: [
        ['power', { when: 'systemctl stop concourse-worker', elsewhere: true, unit: 0, ms: 20 * 60_000 }],
      ],
      power: 6,
      freeze: 6,
      cut: 4,
    },
  },
  {
    name: 'stops-twice',
    why: 'a worker that gave up on an upgrade stops for it again',
    breaks: [5],
    edits: [
      {
        file: 'src/upgrade/worker.ts',
        find: '  if (givenUp) return goOn(o, goal, installer, id);\n',
        replace: '',
      },
      {
        file: 'src/upgrade/worker.ts',
        find: '  if (o.worker.upgrade?.id !== id) {',
        replace: '  if (o.worker.upgrade?.id !== id || givenUp) {',
      },
    ],
    bias: { power: 6, freeze: 6 },
  },
  {
    name: 'prepare-before-staging',
    why: 'workers stop before the release is there',
    breaks: [6],
    edits: [
      {
        file: 'src/upgrade/installer.ts',
        find: '    stage(o, goal) ??\n    unmet(o) ??\n    webAtStake(o) ??\n    backupFirst(o, goal, installed) ??\n',
        replace: '    unmet(o) ??\n',
      },
      {
        file: 'src/upgrade/installer.ts',
        find: "  if (!o.volume.releases.has(to)) return complete('unchanged', `release ${to} is gone from the volume`, []);\n",
        replace: '',
      },
    ],
    bias: { server: 4 },
  },
  {
    name: 'follows-the-databag',
    why: 'a worker runs what the installer says, not what the volume names',
    breaks: [7],
    edits: [
      {
        file: 'src/observe/observe.ts',
        find: '      installed: volume.installed,\n      state: services[WORKER_SERVICE],',
        replace: "      installed: web?.['installed-version'],\n      state: services[WORKER_SERVICE],",
      },
      {
        file: 'src/upgrade/worker.ts',
        find: '  if (published !== undefined && installed !== published) return fenced(o, facts, installed, published);\n',
        replace: '',
      },
    ],
    bias: { version: 6 },
  },
  {
    name: 'no-timer',
    why: 'a deadline passes and nobody looks',
    breaks: [8, 5],
    edits: [
      {
        file: 'src/reconcile.ts',
        find: '  await host.services.armTimer(name, at - now, wakeCommand(hook.unit));\n  session.memory = { ...memory, timer: { name, at } };',
        replace: '  session.memory = { ...memory, timer: { name, at } };',
      },
    ],
    bias: { power: 4, freeze: 6 },
  },
  {
    name: 'marker-is-not-mended',
    why: 'a crash between the two renames stays',
    breaks: [8],
    edits: [
      {
        file: 'src/upgrade/installer.ts',
        find: '  if (installed !== undefined && o.volume.marker !== installed) {',
        replace: "  if (installed !== undefined && o.volume.marker === '') {",
      },
    ],
    bias: { crash: 12, power: 4 },
  },
  {
    name: 'waits-for-web',
    why: 'a hook waits for web for as long as it takes',
    breaks: [9],
    edits: [
      {
        file: 'src/perform/web.ts',
        find: 'const answerMs = 60_000;',
        replace: 'const answerMs = 60_000_000;',
      },
    ],
    bias: { 'silent-web': 8, version: 4 },
  },
  {
    name: 'key-on-the-volume',
    why: 'a private key of a worker lies where all units can read it',
    breaks: [10],
    edits: [
      {
        file: 'src/observe/worker-view.ts',
        find: "path.join(host.paths.etc, 'worker_key')",
        replace: "path.join(host.paths.volume, 'worker_key')",
      },
    ],
    bias: {},
  },
  {
    name: 'password-in-the-log',
    why: "the administrator's password is logged",
    breaks: [10],
    edits: [
      {
        file: 'src/perform/perform.ts',
        find: '  session.webSecret = await hook.secrets.add(await makeWebSecret(host.random), {',
        replace:
          "  const made = await makeWebSecret(host.random);\n  hook.log.info(`made ${made['admin-password']}`);\n  session.webSecret = await hook.secrets.add(made, {",
      },
      // What the framework knows to be secret is masked in the log: that is switched off, too.
      {
        file: 'lib/juju-ts-ops/src/log.ts',
        find: "masked.replaceAll(secret, '***')",
        replace: 'masked.replaceAll(secret, secret)',
      },
    ],
    bias: {},
  },
  {
    name: 'failure-that-is-forgotten',
    why: 'what failed is not tried again by itself',
    breaks: [8],
    edits: [
      {
        file: 'src/decide.ts',
        find: '  if (o.failures.size > 0) wakes.push(o.now + lookAgainMs);',
        replace: '',
      },
    ],
    bias: { 'read-only': 8, full: 6, 'no-start': 6 },
  },
  {
    name: 'late-switch-is-not-looked-at-again',
    why: 'a worker that runs and sees the volume late waits to be woken',
    breaks: [8],
    edits: [
      {
        file: 'src/upgrade/worker.ts',
        find: 'o.worker.gpus)),\n      wakeAt,',
        replace: 'o.worker.gpus)),',
      },
    ],
    bias: {
      story: [
        ['stale', { unit: 1, ms: 400_000 }],
        ['slow-stop', { unit: 1 }],
        ['version', { version: '8.4.0' }],
      ],
      stale: 6,
      'slow-stop': 6,
      version: 6,
    },
  },
  {
    name: 'blocked-strangers-do-not-count',
    why: 'an installer that has not met a blocked unit yet switches without it',
    breaks: [4],
    edits: [
      {
        file: 'src/observe/observe.ts',
        find: "strangers(['active', 'blocked'])",
        replace: "strangers(['active'])",
      },
    ],
    bias: {
      story: [
        ['power', { unit: 0 }],
        ['volume-gone', { unit: 2 }],
        ['version', { version: '8.4.0' }],
      ],
      power: 8,
      'volume-gone': 8,
      version: 6,
    },
  },
  {
    name: 'dying-and-silent-does-not-count',
    why: 'releases go although a unit that is being removed has not said what it runs',
    breaks: [3],
    edits: [
      {
        file: 'src/upgrade/tidying.ts',
        find: 'const silent = o.dying.has(unit) || (stopped && o.living?.has(unit) !== false);',
        replace: 'const silent = stopped && o.living?.has(unit) !== false;',
      },
    ],
    bias: {
      story: [
        ['freeze', { unit: 0, when: 'systemctl restart concourse-server', ms: 6 * 60_000 }],
        ['remove', { unit: 0 }],
        ['version', { version: '8.2.0' }],
        ['version', { version: '8.4.0' }],
      ],
      freeze: 8,
      remove: 8,
      version: 8,
    },
  },
  {
    name: 'a-new-web-does-not-wait',
    why: 'a web that Juju has yet to introduce to the installer goes to the next release while that one does',
    breaks: [11],
    edits: [
      {
        file: 'src/upgrade/webs.ts',
        find: 'const before = [...met, ...strangers]',
        replace: 'const before = [...met]',
      },
    ],
    bias: {
      story: [
        ['version', { version: '8.2.1' }],
        ['add', {}],
      ],
      add: 8,
      version: 8,
    },
  },
];

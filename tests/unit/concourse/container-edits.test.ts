// The runc that comes before the release's: run by a real shell on config.json as containerd writes it for Concourse, before a `runc`
// that tells what it was given.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  type ContainerEdits,
  containerdLauncher,
  editsAnything,
  noEdits,
  runcShim,
} from '../../../src/concourse/container-edits.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

let root: string;
let own: string;
let edits: ContainerEdits;
const log = () => join(root, 'log.json');
const bundle = () => join(root, 'bundle');

const program = (path: string, text: string) => {
  writeFileSync(path, text);
  chmodSync(path, 0o755);
};

beforeEach(async () => {
  root = await temporaryDirectory();
  own = join(root, 'run time');
  for (const made of [
    own,
    bundle(),
    join(root, 'release'),
    join(root, 'srv/datasets'),
    join(root, 'srv/cache'),
  ])
    mkdirSync(made, { recursive: true });
  program(join(root, 'release/runc'), '#!/bin/sh\nprintf "%s\\n" "$@"\n');
  edits = {
    ...noEdits,
    folders: [
      { path: join(root, 'srv/datasets'), writable: false },
      { path: join(root, 'srv/cache'), writable: true },
    ],
  };
});

interface Container {
  workingDirectory?: string;
  env?: string[];
  linux?: object;
  more?: object;
}

/** In Go's order of keys, in one line, without a newline at its end. */
function config({
  workingDirectory = '/tmp/build/e55deab7',
  env = [],
  linux = {},
  more = {},
}: Container = {}) {
  return JSON.stringify({
    ociVersion: '1.2.0',
    process: { user: { uid: 0, gid: 0 }, args: ['/tmp/gdn-init'], env: ['PATH=/bin', ...env], cwd: '/' },
    root: { path: '/var/lib/concourse/work_dir/volumes/live/1/volume' },
    hostname: 'a-handle',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid'] },
      {
        destination: workingDirectory,
        type: 'bind',
        source: '/var/lib/concourse/work_dir/volumes/live/2/volume',
        options: ['bind'],
      },
    ],
    ...more,
    annotations: { user: 'root' },
    linux: {
      resources: {
        devices: [
          { allow: false, access: 'rwm' },
          { allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' },
        ],
      },
      namespaces: [{ type: 'pid' }],
      ...linux,
    },
  });
}

function make(text: string, args?: string[], path = `${own}:${join(root, 'release')}:/usr/bin:/bin`) {
  program(join(own, 'runc'), runcShim(own, edits));
  writeFileSync(join(bundle(), 'config.json'), text);
  const given = args ?? [
    '--root',
    '/run/containerd/runc/concourse',
    '--log',
    log(),
    '--log-format',
    'json',
    'create',
    '--bundle',
    bundle(),
    '--pid-file',
    join(bundle(), 'init.pid'),
    'a-handle',
  ];
  const ran = spawnSync(join(own, 'runc'), given, { env: { PATH: path }, encoding: 'utf8' });
  return { ...ran, given, config: JSON.parse(readFileSync(join(bundle(), 'config.json'), 'utf8')) };
}

describe('folders', () => {
  test('a task gets them, read-only or as it was said, and the real runc what it was called with', () => {
    const made = make(config());
    expect(made).toMatchObject({ status: 0, stderr: '', stdout: `${made.given.join('\n')}\n` });
    expect(made.config.mounts.slice(0, 2)).toEqual([
      {
        destination: join(root, 'srv/datasets'),
        type: 'bind',
        source: join(root, 'srv/datasets'),
        options: ['rbind', 'ro', 'nosuid', 'nodev', 'rprivate'],
      },
      expect.objectContaining({ options: ['rbind', 'rw', 'nosuid', 'nodev', 'rprivate'] }),
    ]);
    const { mounts: _, ...rest } = made.config;
    const { mounts: before, ...untouched } = JSON.parse(config());
    expect(rest).toEqual(untouched);
    expect(made.config.mounts.slice(2)).toEqual(before);
  });

  test.each(['/tmp/build/get', '/tmp/build/put', '/scratch'])(
    'what is no task, in %s, gets none',
    (directory) => {
      const text = config({ workingDirectory: directory, env: ['X="destination":"/tmp/build/e55deab7"'] });
      expect(make(text)).toMatchObject({ status: 0, config: JSON.parse(text) });
    },
  );

  test('what a build puts into its environment is no place to put anything', () => {
    const env = ['A="mounts":[', 'B="env":["x"]', "C='$(touch x)`&\\/"];
    const made = make(config({ env }));
    expect(made.config.process.env).toEqual(['PATH=/bin', ...env]);
    expect(made.config.mounts).toHaveLength(4);
  });

  test.each([
    ['is missing', 'is missing on this worker', (place: string) => rmSync(place, { recursive: true })],
    [
      'is a symbolic link',
      'is a symbolic link',
      (place: string) => {
        rmSync(place, { recursive: true });
        symlinkSync('/etc', place);
      },
    ],
    [
      'is a file',
      'is missing on this worker',
      (place: string) => {
        rmSync(place, { recursive: true });
        writeFileSync(place, '');
      },
    ],
  ])(
    'one that %s: the container is not made, and the log that containerd reads says why',
    (_what, words, spoil) => {
      spoil(join(root, 'srv/cache'));
      const made = make(config());
      expect(made).toMatchObject({ status: 1, stdout: '' });
      const told = JSON.parse(readFileSync(log(), 'utf8'));
      expect(told).toEqual({ level: 'error', msg: `folder-mounts: ${join(root, 'srv/cache')} ${words}` });
      expect(made.config).toEqual(JSON.parse(config()));
    },
  );

  test('all of it below a link: refused', () => {
    execFileSync('mv', [join(root, 'srv'), join(root, 'elsewhere')]);
    symlinkSync('elsewhere', join(root, 'srv'));
    expect(make(config())).toMatchObject({ status: 1, stderr: expect.stringContaining('symbolic link') });
  });

  test.each([
    [
      'spread over lines',
      JSON.stringify(JSON.parse(config()), null, 2).replace('"destination": "/tmp', '"destination":"/tmp'),
    ],
    ['with two lists of mounts', config({ more: { odd: { mounts: [] } } })],
    ['empty', '{"destination":"/tmp/build/e55deab7"}'],
  ])('a container that is described otherwise (%s) is not made', (_what, text) => {
    expect(make(text)).toMatchObject({ status: 1, stdout: '', config: JSON.parse(text) });
  });
});

describe('as a program', () => {
  test.each([
    ['state', 'a-handle'],
    ['--log', '/x', 'delete', '--force', 'create'],
    ['exec', '-p', 'p.json', 'a-handle'],
  ])('whatever makes no container goes to the real runc as it is: %s', (...args) => {
    const text = config();
    const made = make(text, args);
    if (args.includes('create')) return expect(made.status).toBe(1); // No bundle: nothing is guessed.
    expect(made).toMatchObject({ status: 0, stdout: `${args.join('\n')}\n`, config: JSON.parse(text) });
    return undefined;
  });

  test('knows --bundle=, -b and run', () => {
    for (const args of [
      ['create', `--bundle=${bundle()}`, 'x'],
      ['run', '-b', bundle(), 'x'],
    ])
      expect(make(config(), args).config.mounts).toHaveLength(4);
  });

  test('does not call itself for ever where it is not the first in PATH', () => {
    const made = make(config(), ['state', 'x'], `/usr/bin:/bin:${own}`);
    expect(made).toMatchObject({
      status: 1,
      stderr: 'the directory of this runc is not the first in PATH\n',
    });
  });

  test('containerd is begun with it first in PATH, whatever release runs', () => {
    program(join(own, 'launch'), containerdLauncher(own));
    program(join(root, 'release/containerd'), '#!/bin/sh\necho "$PATH" "$@"\n');
    const ran = spawnSync(join(own, 'launch'), ['--address=x'], {
      env: { PATH: `${join(root, 'release')}:/bin` },
      encoding: 'utf8',
    });
    expect(ran.stdout).toBe(`${own}:${join(root, 'release')}:/bin --address=x\n`);
  });

  test('is not there for nothing', () => {
    expect(editsAnything(noEdits)).toBe(false);
    expect(editsAnything(edits)).toBe(true);
  });
});

describe('devices', () => {
  const device = { path: '/dev/null', type: 'c', major: 195, minor: 0 } as const;

  test('are made in the container and allowed after all other rules', () => {
    edits = { ...noEdits, devices: [device], environment: ['NVIDIA_VISIBLE_DEVICES=void'] };
    for (const linux of [{}, { devices: [{ path: '/dev/fuse', type: 'c', major: 10, minor: 229 }] }]) {
      const made = make(config({ linux }));
      expect(made.status).toBe(0);
      expect(made.config.linux.devices[0]).toEqual(device);
      expect(made.config.linux.devices).toHaveLength(1 + ('devices' in linux ? 1 : 0));
      expect(made.config.linux.resources.devices.at(-1)).toEqual({
        allow: true,
        type: 'c',
        major: 195,
        minor: 0,
        access: 'rw',
      });
      expect(made.config.process.env).toEqual(['NVIDIA_VISIBLE_DEVICES=void', 'PATH=/bin']);
    }
  });

  test.each([
    {},
    { hooks: {} },
    { hooks: { poststop: [{ path: '/x' }] } },
    { hooks: { createContainer: [{ path: '/x' }] } },
  ])('come with their hooks beside those that there are: %j', (more) => {
    const hook = { path: '/usr/bin/nvidia-cdi-hook', args: ['nvidia-cdi-hook', 'update-ldcache'], env: [] };
    edits = { ...noEdits, hooks: [{ name: 'createContainer', ...hook }] };
    const { hooks } = make(config({ more })).config;
    const before = 'hooks' in more ? more.hooks : {};
    expect(hooks).toEqual({
      ...before,
      createContainer: [hook, ...('createContainer' in before ? [{ path: '/x' }] : [])],
    });
  });

  test('one that is gone: the container is not made', () => {
    edits = { ...noEdits, devices: [{ ...device, path: join(root, 'nvidia0') }] };
    expect(existsSync(join(root, 'nvidia0'))).toBe(false);
    expect(make(config())).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('nvidia0 is missing'),
    });
  });
});

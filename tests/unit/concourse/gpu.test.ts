// GPUs: which are chosen, what comes with them, and what is refused.
import { describe, expect, test } from 'vitest';
import { chooseCuda, chooseRocm, parseNodes, usable } from '../../../src/concourse/gpu.ts';
import { gpuIdsSchema, gpuTags, gpuWords } from '../../../src/concourse/gpu-ids.ts';
import { cdi, statOf } from '../../support/cdi.ts';

describe('NVIDIA', () => {
  test('all: each GPU once, and what all need, with libraries and hooks', () => {
    const chosen = chooseCuda(cdi(2), 'all');
    expect(chosen).toMatchObject({
      ids: [0, 1],
      nodes: ['/dev/nvidia-uvm', '/dev/nvidiactl', '/dev/nvidia0', '/dev/nvidia1'],
      edits: {
        environment: ['NVIDIA_VISIBLE_DEVICES=void'],
        devices: [],
        folders: [],
        mounts: [
          expect.objectContaining({ source: '/usr/lib/x86_64-linux-gnu/libcuda.so.580.65.06' }),
          expect.objectContaining({ destination: '/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.580.65.06' }),
        ],
      },
    });
    expect('edits' in chosen && chosen.edits.hooks.map(({ args }) => args[1])).toEqual([
      'create-symlinks',
      'update-ldcache',
    ]);
  });

  test('some: no node of another one', () => {
    expect(chooseCuda(cdi(4), [1, 3])).toMatchObject({
      ids: [1, 3],
      nodes: ['/dev/nvidia-uvm', '/dev/nvidiactl', '/dev/nvidia1', '/dev/nvidia3'],
    });
  });

  test.each([
    ['a number that is not there', cdi(2), [2], /no GPU 2, but 0, 1/],
    ['none at all', cdi(0), 'all' as const, /there is no GPU/],
    ['no JSON', 'cdiVersion: 0.5.0', 'all' as const, /prints no specification/],
    ['another JSON', '{"devices":{}}', 'all' as const, /prints no specification/],
    ['a hook of another kind', cdi(1).replace('"createContainer"', '"prestart"'), [0], /hook prestart/],
    [
      'a node under another name',
      cdi(1).replace('"path":"/dev/nvidiactl"', '"path":"/dev/nvidiactl","hostPath":"/dev/x"'),
      [0],
      /\/dev\/x under another name/,
    ],
  ])('%s is a problem', (_what, text, wanted, problem) => {
    expect(chooseCuda(text, wanted)).toEqual({ problem: expect.stringMatching(problem) });
  });
});

describe('AMD', () => {
  test('GPUs count in the order of their nodes, and come with kfd', () => {
    const there = ['renderD130', 'renderD128', 'renderD129'];
    expect(chooseRocm(there, 'all', '/dev')).toMatchObject({ ids: [0, 1, 2] });
    expect(chooseRocm(there, [2], '/dev')).toMatchObject({
      ids: [2],
      nodes: ['/dev/kfd', '/dev/dri/renderD130'],
    });
    expect(chooseRocm(there, [3], '/dev')).toEqual({ problem: 'there is no GPU 3, but 0, 1, 2' });
    expect(chooseRocm([], 'all', '/dev')).toEqual({ problem: 'there is no GPU' });
  });
});

test('nodes are read with their numbers; what is none is left out', () => {
  const text = `${statOf(['/dev/nvidia1', '/dev/nvidiactl'], { nvidiactl: '660' })}/dev/x 0 0 755 directory\n`;
  const nodes = parseNodes(text);
  expect(nodes).toEqual([
    { path: '/dev/nvidia1', major: 195, minor: 1, mode: 0o666 },
    { path: '/dev/nvidiactl', major: 195, minor: 255, mode: 0o660 },
  ]);
  expect(nodes.map(usable)).toEqual([true, false]);
});

test('the option takes all, or numbers', () => {
  expect(gpuIdsSchema.parse(' all ')).toBe('all');
  expect(gpuIdsSchema.parse('2, 0,2')).toEqual([0, 2]);
  for (const odd of ['', '-1', '0,', 'GPU-1', '0;1', 'every'])
    expect(gpuIdsSchema.safeParse(odd).success).toBe(false);
});

test('tags name runtime, number and devices, each without a comma in it', () => {
  const tags = gpuTags({ runtime: 'cuda', ids: [0, 2] });
  expect(tags).toEqual(['cuda', 'gpu', 'gpu-count=2', 'gpu-devices=0', 'gpu-devices=2']);
  expect(tags.join()).not.toMatch(/,,/);
  expect(gpuWords({ runtime: 'rocm', ids: [0] })).toBe('1x AMD');
});

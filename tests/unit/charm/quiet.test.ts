// Which events a worker may pass over unread.
import { describe, expect, test } from 'vitest';
import { isOthersBusiness, quietNotePath, quietNoteText, readQuietNote } from '../../../src/quiet.ts';

const note = { installer: 'concourse-ci/0' };
const event = {
  dispatchPath: 'hooks/peers-relation-changed',
  remoteUnit: 'concourse-ci/2',
  departingUnit: '',
  unit: 'concourse-ci/1',
};

describe('another worker’s event', () => {
  test.each(['joined', 'changed', 'departed'])('%s is passed over', (kind) => {
    expect(isOthersBusiness({ ...event, dispatchPath: `hooks/peers-relation-${kind}` }, note)).toBe(true);
  });

  test.each([
    ['without a note', event, undefined],
    ['from the installer', { ...event, remoteUnit: 'concourse-ci/0' }, note],
    ['about the application’s databag', { ...event, remoteUnit: '' }, note],
    ['that says that this unit goes', { ...event, departingUnit: 'concourse-ci/1' }, note],
    ['of another relation', { ...event, dispatchPath: 'hooks/postgresql-relation-changed' }, note],
    ['that is no relation’s', { ...event, dispatchPath: 'hooks/config-changed' }, note],
    ['of the charm’s own', { ...event, dispatchPath: 'hooks/wake' }, note],
    ['that is created', { ...event, dispatchPath: 'hooks/peers-relation-created' }, note],
    ['by juju-exec, without a name', { ...event, dispatchPath: '' }, note],
  ])('%s is looked at', (_what, changed, known) => {
    expect(isOthersBusiness(changed, known)).toBe(false);
  });
});

describe('an event of workers of another application', () => {
  const about = (kind: string, departingUnit = '') => ({
    ...event,
    dispatchPath: `hooks/tsa-relation-${kind}`,
    remoteUnit: 'workers/0',
    departingUnit,
  });

  test.each(['joined', 'changed', 'departed'])('%s is web’s business', (kind) => {
    expect(isOthersBusiness(about(kind), note)).toBe(true);
    expect(isOthersBusiness(about(kind), undefined)).toBe(false);
  });

  test('is looked at when the relation comes or goes, and when this unit goes', () => {
    expect(isOthersBusiness(about('created'), note)).toBe(false);
    expect(isOthersBusiness(about('broken'), note)).toBe(false);
    expect(isOthersBusiness(about('departed', 'concourse-ci/1'), note)).toBe(false);
  });

  test('is looked at where it tells of web', () => {
    expect(isOthersBusiness({ ...event, dispatchPath: 'hooks/flight-relation-changed' }, note)).toBe(false);
  });
});

describe('the note', () => {
  test('is read back as it was written', () => {
    expect(readQuietNote(quietNoteText(note))).toEqual(note);
  });

  test.each([undefined, '', 'concourse-ci/0', 'concourse-ci\n', '{}\n', 'a/0\nb/1\n'])(
    '%j is none',
    (text) => {
      expect(readQuietNote(text)).toBeUndefined();
    },
  );

  test('lies under /run', () => {
    expect(quietNotePath('/run', 'concourse-ci/12')).toBe('/run/concourse-ci/concourse-ci-12.quiet');
  });
});

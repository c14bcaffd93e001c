// Local users as the secret has them, and as Concourse takes them.
import { describe, expect, test } from 'vitest';
import { namesSchema, parseLocalUsers } from '../../../src/concourse/local-users.ts';
import { webEnvironment } from '../../../src/concourse/web.ts';
import { web } from './settings.ts';

const hash = (cost: string) => `$2a$${cost}$sKZelZprWWcBAWbp28rB1uFef0Ybxsiqh05uo`;

test('come as lines or separated by commas, with passwords or their hashes', () => {
  expect(parseLocalUsers(`alice:one two\n\n bob:${hash('10')},carol:x `)).toEqual({
    users: ['alice:one two', `bob:${hash('10')}`, 'carol:x'],
  });
});

describe('what is wrong is named, and no password repeated', () => {
  test.each([
    ['', 'there is no NAME:PASSWORD in it'],
    ['alice', 'entry 1 is not NAME:PASSWORD, without another : or a ,'],
    ['alice:x,bob:hunter2:y', 'entry 2 is not NAME:PASSWORD, without another : or a ,'],
    ['alice:hunter2,more', 'entry 2 is not NAME:PASSWORD, without another : or a ,'],
    ['alice:', 'entry 1 is not NAME:PASSWORD, without another : or a ,'],
    ['admin:hunter2', "admin is there already: its password is the charm's"],
    ['alice:x,alice:hunter2', 'alice is there twice'],
    [`alice:${hash('04')}`, 'the hash of alice has a cost below 10'],
  ])('%s: %s', (text, problem) => {
    expect(parseLocalUsers(text)).toEqual({ problem });
  });
});

test('the administrator stays, whoever comes', () => {
  const environment = webEnvironment({ ...web, localUsers: ['alice:x', 'bob:y'], mainTeam: ['alice'] });
  expect(environment).toMatchObject({
    CONCOURSE_ADD_LOCAL_USER: 'admin:s3cret,alice:x,bob:y',
    CONCOURSE_MAIN_TEAM_LOCAL_USER: 'admin,alice',
  });
});

test('names of the main team', () => {
  expect(namesSchema.parse('alice, bob,alice')).toEqual(['alice', 'bob']);
  expect(namesSchema.safeParse('alice:x').success).toBe(false);
  expect(namesSchema.safeParse(' , ').success).toBe(false);
});

import { expect, test } from 'vitest';
import { countReport } from '../../../scripts/test/tiers.ts';

const report = (passed: number, failed: number, files: { status: string; tests: string[] }[] = []) => ({
  numPassedTests: passed,
  numFailedTests: failed,
  numPendingTests: 0,
  testResults: files.map(({ status, tests }, index) => ({
    name: `file-${index}`,
    status,
    assertionResults: tests.map((each) => ({ status: each })),
  })),
});

test.each([
  ['all passed', report(3, 0), 0, false, 3, 0],
  ['one failed', report(2, 1, [{ status: 'failed', tests: ['passed', 'failed'] }]), 1, false, 2, 1],
  ['a file that cannot be loaded', report(2, 0, [{ status: 'failed', tests: [] }]), 1, false, 2, 1],
  ['an error outside of any test', report(2, 0), 1, false, 2, 1],
  ['no test at all', report(0, 0), 0, false, 0, 1],
  ['no test at all, where paths were given', report(0, 0), 0, true, 0, 0],
  ['no report', undefined, 134, false, 0, 1],
])('%s', (_, content, code, mayBeEmpty, passed, failed) => {
  expect(countReport('unit', content, code, mayBeEmpty)).toMatchObject({ passed, failed });
});

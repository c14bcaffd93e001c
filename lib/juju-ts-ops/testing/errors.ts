// The ways in which the fake Juju says no: this is not modelled, this cannot be in Juju, this tool call is wrong.
import { type Refused, refused } from './not-modelled.ts';

/** Juju has this, the fake does not: the test that needs it must not get a guess instead. */
export class NotModelled extends Error {
  readonly what: Refused;

  constructor(what: Refused, detail = '') {
    super(`not modelled by the fake Juju: ${refused[what]}${detail === '' ? '' : `: ${detail}`}`);
    this.name = 'NotModelled';
    this.what = what;
  }
}

/** The test asks for a state or a command that Juju would refuse; the text says why. */
export class Impossible extends Error {
  constructor(why: string) {
    super(why);
    this.name = 'Impossible';
  }
}

/** A hook tool that does not answer, because its machine has lost the controller: the front end lets its caller wait. */
export class Hangs extends Error {
  constructor(what: string) {
    super(`${what} hangs: the unit's machine has lost the controller`);
    this.name = 'Hangs';
  }
}

/** Thrown inside a charm by a test: the hook's process is gone (SIGKILL) at this point. */
export class Killed extends Error {
  constructor(where = 'here') {
    super(`the hook process was killed: ${where}`);
    this.name = 'Killed';
  }
}

/** A hook tool's refusal: `ERROR text` on stderr. Exit code 2 is bad usage, 1 is a failure while running. */
export class ToolError extends Error {
  readonly code: 1 | 2;

  constructor(code: 1 | 2, text: string) {
    super(text);
    this.name = 'ToolError';
    this.code = code;
  }
}

/** The controller refuses what a hook that ended well wants to commit; the hook has failed. */
export class CommitRefused extends Error {
  constructor(why: string) {
    super(why);
    this.name = 'CommitRefused';
  }
}

// A charm's executable for the tests of packing: loads packages lazily, two of them CommonJS, tells what it was given, and ends
// with 7.
const { lock } = await import('proper-lockfile');
const { request } = await import('undici');
const { z } = await import('zod');
const kinds: string = z.string().parse(`${typeof lock},${typeof request}`);
console.log(kinds, process.cwd(), process.env.JUJU_DISPATCH_PATH, process.execPath);
process.exitCode = 7;

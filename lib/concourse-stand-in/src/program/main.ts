// The programs of a stand-in release, as one: by the name it is called by, and then by the subcommand.
import { basename } from 'node:path';

import { version } from './build.ts';
import { migrateCommand } from './database.ts';
import { helpText } from './help.ts';
import { generateKey } from './keys.ts';
import { fail } from './log.ts';
import { shim } from './shim.ts';
import { web } from './web.ts';
import { tell, worker } from './worker.ts';

const [, program = '', command = '', ...rest] = process.argv;

if (basename(program) === 'containerd-shim-runc-v2') shim(process.argv.slice(2));
else await concourse();

async function concourse(): Promise<void> {
  // go-flags binds the variable to the function behind --version.
  if (process.env.CONCOURSE_VERSION !== undefined) {
    process.stderr.write(
      'panic: reflect: call of reflect.Value.Set on func Value\n\ngoroutine 1 [running]:\nmain.main()\n',
    );
    process.exit(2);
  }
  // go-flags makes an error of it: on the error stream, with 1.
  if ((command === 'web' || command === 'worker') && rest.includes('--help')) return fail(helpText(command));
  switch (command) {
    case '--version':
    case '-v':
      process.stdout.write(`${version}\n`);
      return;
    case 'web':
      return web();
    case 'worker':
      return worker();
    case 'migrate':
      return migrateCommand(flags(rest));
    case 'generate-key':
      return generateKey(flags(rest));
    case 'land-worker':
    case 'retire-worker':
      return tell(command, flags(rest));
    default:
      return fail(
        `Unknown command \`${command}'. Please specify one command of: generate-key, land-worker, migrate, retire-worker, web or worker`,
      );
  }
}

/** `--name=value`, `--name value`, `-n value`, `--flag` alone (''). */
function flags(args: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  args.forEach((arg, index) => {
    const parts = /^--?([^=]+)(?:=(.*))?$/.exec(arg);
    const next = args[index + 1];
    if (parts) found[parts[1] ?? ''] = parts[2] ?? (next !== undefined && !next.startsWith('-') ? next : '');
  });
  return found;
}

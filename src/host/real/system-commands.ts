// systemd's own programs, which nearly every hook asks: by Node alone, since loading execa takes as long as three of their answers. They
// print little and end soon; whatever else is run, is run by execa (see commands.ts).
import { execFile } from 'node:child_process';
import { hasCode } from '../errors.ts';
import type { CommandResult, Commands } from '../host.ts';
import { baseEnvironment } from './commands.ts';

const outputBytes = 16 * 1024 * 1024;
const [outlived, notStarted] = [124, 127];

export function systemCommands(): Commands {
  return {
    run: (command, args, { timeoutMs, env }) =>
      new Promise<CommandResult>((resolve) => {
        const options = { timeout: timeoutMs, maxBuffer: outputBytes, env: { ...baseEnvironment(), ...env } };
        execFile(command, [...args], options, (error, stdout, stderr) => {
          if (error === null) return resolve({ code: 0, stdout, stderr });
          const late = error.killed === true && !hasCode(error, 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER');
          const exited = typeof error.code === 'number' ? error.code : undefined;
          const code = late ? outlived : (exited ?? notStarted);
          const words = late ? `did not end within ${timeoutMs} ms` : error.message;
          const said = exited === undefined || late ? `${stderr}${words}` : stderr;
          resolve({ code, stdout, stderr: said });
        });
      }),
  };
}

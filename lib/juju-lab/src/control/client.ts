// How another terminal talks to the lab that runs in a folder.
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { isRecord } from '../charm.ts';
import { codeOf, LabError } from '../errors.ts';
import { controlFile, readControlFile } from '../folder.ts';
import type { ToolAnswer } from '../tools/server.ts';

/** Sends the words to the lab whose folder that is. LabError when no lab runs there. */
export async function askLab(labDirectory: string, words: readonly string[]): Promise<ToolAnswer> {
  const socketPath = readSocketPath(labDirectory);
  const line = await new Promise<string>((resolve, reject) => {
    let received = '';
    const socket = connect(socketPath, () => socket.write(`${JSON.stringify(words)}\n`));
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      received += chunk;
    });
    socket.on('end', () => resolve(received));
    socket.on('error', (error) => {
      const gone = codeOf(error) === 'ENOENT' || codeOf(error) === 'ECONNREFUSED';
      reject(gone ? noLab(labDirectory) : error);
    });
  });
  return parseAnswer(line);
}

function noLab(labDirectory: string): LabError {
  return new LabError(`no lab runs in ${labDirectory}`);
}

function readSocketPath(labDirectory: string): string {
  try {
    return readControlFile(readFileSync(controlFile(labDirectory), 'utf8')).socket;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') throw noLab(labDirectory);
    throw error;
  }
}

function parseAnswer(line: string): ToolAnswer {
  const answer: unknown = line === '' ? undefined : JSON.parse(line);
  if (!isRecord(answer)) throw new LabError('the lab ended before it had answered');
  return { code: Number(answer.code), stdout: String(answer.stdout), stderr: String(answer.stderr) };
}

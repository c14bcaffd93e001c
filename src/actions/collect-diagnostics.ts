// The action collect-diagnostics: what somebody who is to help needs to see of this unit, as one archive without secrets.
import path from 'node:path';
import { ActionFailure, PermissionDenied } from 'juju-ts-ops';
import { type Entry, tarGz } from '../diagnostics/archive.ts';
import { diagnosticsFolder } from '../diagnostics/place.ts';
import { redact, redactEnvironment } from '../diagnostics/redact.ts';
import { hasCode } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { observe } from '../observe/observe.ts';
import { readWebSecret } from '../observe/web-view.ts';
import { groupId } from '../perform/files.ts';
import type { Session } from '../session.ts';
import { folderOfUnit } from '../storage/layout.ts';
import { status } from './status.ts';

const linesAtMost = 2_000;
const askMs = 60_000;
const entriesAtMost = 2_000;
const services = ['concourse-server.service', 'concourse-worker.service'];

/** Works whatever is broken: what cannot be read is said in its place. */
export async function collectDiagnostics(session: Session, tell: (text: string) => Promise<void>) {
  const { hook, host } = session;
  const o = await observe(session);
  await tell('statuses and databags');
  const texts: Entry[] = [
    { path: 'status.txt', content: String(Object.values(await status(session, { format: 'text' }))[0]) },
    json('databags.json', { goal: o.goal, own: o.facts, others: Object.fromEntries(o.peers) }),
    json('options.json', (await hook.config()).values),
    json('memory.json', session.memory),
    json('juju-status.json', JSON.parse(await hook.tool('status-get', ['--format=json']))),
    json('volume.json', await session.volume.observe()),
    json('mounts.json', await host.files.mounts()),
    json(
      'services.json',
      Object.values(await host.services.show(services)).map(({ environment: _, ...each }) => each),
    ),
    { path: 'volume.txt', content: await tree(host, host.paths.volume, 4) },
    { path: 'etc-concourse.txt', content: await tree(host, host.paths.etc, 2) },
  ];
  const secrets = await knownSecrets(session);
  await tell('units and their settings');
  const { etc, defaults, systemd } = host.paths;
  for (const file of [
    `${etc}/web.env`,
    `${etc}/worker.env`,
    `${defaults}/concourse-web`,
    `${defaults}/concourse-worker`,
  ]) {
    const found = redactEnvironment((await host.files.readText(file)) ?? '');
    secrets.push(...found.secrets);
    texts.push({ path: `settings/${path.basename(file)}`, content: found.text });
  }
  texts.push(...(await unitFiles(host, systemd)));
  await tell('journals');
  for (const service of services)
    texts.push(
      await said(host, `journal/${service}.txt`, 'journalctl', [
        '--no-pager',
        `--lines=${linesAtMost}`,
        '--unit',
        service,
      ]),
    );
  const log = path.join(host.paths.root, 'var/log/juju', `unit-${folderOfUnit(hook.unit)}.log`);
  texts.push(await said(host, 'juju-log.txt', 'tail', ['-n', String(linesAtMost), log]));
  const clean = texts.map((each) => ({ ...each, content: hook.masked(redact(each.content, secrets)) }));
  return write(session, clean);
}

/** The services' unit files, and operators' drop-ins beside them, whose values may be secrets that nobody here knows. */
async function unitFiles({ files }: Host, systemd: string): Promise<Entry[]> {
  const found: Entry[] = [];
  for (const name of (await files.list(systemd)) ?? []) {
    if (!/^concourse-|-concourse\.mount(?:\.d)?$/.test(name)) continue;
    const file = path.join(systemd, name);
    const kind = (await files.stat(file))?.kind;
    if (kind === 'file') found.push({ path: `systemd/${name}`, content: (await files.readText(file)) ?? '' });
    if (kind !== 'directory') continue;
    for (const part of ((await files.list(file)) ?? []).filter((each) => each.endsWith('.conf'))) {
      const text = (await files.readText(path.join(file, part))) ?? '';
      const content = text.replace(/^(\s*(?:Environment|Exec\w+|(?:Set|Load)Credential\w*)\s*=).*/gm, '$1…');
      found.push({ path: `systemd/${name}/${part}`, content });
    }
  }
  return found;
}

const json = (name: string, value: unknown): Entry => ({
  path: name,
  content: `${JSON.stringify(value, (_key, each: unknown) => (each instanceof Map ? Object.fromEntries(each) : each), 2)}\n`,
});

/** What web has: a unit that may not read it has none of it in its files either. */
async function knownSecrets(session: Session): Promise<string[]> {
  try {
    const secret = (await readWebSecret(session)) ?? {};
    return Object.entries(secret).flatMap(([key, value]) =>
      typeof value === 'string' && !key.endsWith('-pub')
        ? [value, ...value.split('\n').filter((line) => line.length > 20)]
        : [],
    );
  } catch (error) {
    if (error instanceof PermissionDenied) return [];
    throw error;
  }
}

/** Names, kinds, sizes, modes and owners; no contents. */
async function tree(host: Host, root: string, depth: number): Promise<string> {
  const lines: string[] = [];
  const walk = async (directory: string, left: number): Promise<void> => {
    for (const name of ((await host.files.list(directory)) ?? []).sort()) {
      if (lines.length >= entriesAtMost) return;
      const file = path.join(directory, name);
      const stat = await host.files.lstat(file);
      if (stat === undefined) continue;
      const to = stat.kind === 'link' ? ` -> ${await host.files.readLink(file)}` : '';
      lines.push(
        `${stat.mode.toString(8).padStart(4, '0')} ${stat.uid}:${stat.gid} ${stat.kind} ${stat.sizeBytes} ${path.relative(root, file)}${to}`,
      );
      if (stat.kind === 'directory' && left > 1) await walk(file, left - 1);
    }
  };
  try {
    await walk(root, depth);
  } catch (error) {
    if (!hasCode(error, 'EACCES', 'EPERM', 'EIO', 'ESTALE', 'ENOTCONN', 'ETIMEDOUT', 'ENOTDIR')) throw error;
    lines.push(`cannot be read: ${error.message}`);
  }
  if (lines.length >= entriesAtMost) lines.push(`and more than these ${entriesAtMost}`);
  return `${lines.join('\n')}\n`;
}

async function said(host: Host, name: string, command: string, args: readonly string[]): Promise<Entry> {
  const { code, stdout, stderr } = await host.commands.run(command, args, { timeoutMs: askMs });
  return { path: name, content: code === 0 ? stdout : `${command}: exit code ${code}: ${stderr}` };
}

/** One archive for each unit: the one before goes. */
async function write({ hook, host }: Session, texts: readonly Entry[]) {
  const folder = diagnosticsFolder(host);
  const now = host.clock.now();
  const unit = folderOfUnit(hook.unit);
  const name = `${unit}-${new Date(now).toISOString().slice(0, 19).replaceAll(':', '')}Z.tgz`;
  const file = path.join(folder, name);
  const bytes = tarGz(
    texts.map((each) => ({ ...each, path: `${unit}/${each.path}` })),
    now,
  );
  const reader = await groupId(host, 'ubuntu');
  try {
    await host.files.makeDirectory(folder, { mode: 0o755, recursive: true });
    for (const old of ((await host.files.list(folder)) ?? []).filter((each) => each.startsWith(`${unit}-20`)))
      await host.files.remove(path.join(folder, old));
    await host.files.write(file, bytes, { mode: reader === undefined ? 0o600 : 0o640 });
    if (reader !== undefined) await host.files.changeOwner(file, 0, reader);
  } catch (error) {
    if (!hasCode(error, 'ENOSPC', 'EDQUOT', 'EROFS')) throw error;
    throw new ActionFailure(`the archive cannot be written to ${folder}: ${error.message}`, { cause: error });
  }
  return {
    file,
    'size-bytes': bytes.length,
    files: texts.length,
    result: `juju scp ${hook.unit}:${file} . && tar tzf ${name}; secrets are taken out, host names and addresses are not`,
  };
}

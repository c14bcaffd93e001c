// Juju secrets: content travels in private files, never on a command line that other users of the machine can read.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { SecretNotFound } from './errors.ts';
import type { Masks } from './log.ts';
import type { Tools } from './tools.ts';

export type SecretContent = Readonly<Record<string, string>>;

export interface SecretOptions {
  label?: string;
  description?: string;
  /** `application` (Juju's default; only the leader may) or `unit`. For `add` only. */
  owner?: 'application' | 'unit';
  rotate?: 'never' | 'hourly' | 'daily' | 'weekly' | 'monthly' | 'quarterly' | 'yearly';
  /** RFC 3339, or a duration such as `24h`. */
  expire?: string;
}
/** By URI (`secret:…`), by label, or both, which gives a foreign secret this label. */
export type SecretReference = string | { uri?: string; label?: string };

export interface SecretInfo {
  uri: string;
  revision: number;
  label: string;
  owner: string;
  description?: string | undefined;
  rotation?: string | undefined;
}

const infoAnswer = z.record(
  z.string(),
  z.object({
    revision: z.number(),
    label: z.string().default(''),
    owner: z.string(),
    description: z.string().optional(),
    rotation: z.string().optional(),
  }),
);
const contentAnswer = z.record(z.string(), z.string());
const idsAnswer = z
  .array(z.string())
  .nullable()
  .transform((ids) => ids ?? []);

const secretUri = (id: string): string => (id.startsWith('secret:') ? id : `secret:${id}`);
/** Juju writes one secret as `secret:ID`, as `secret://MODEL/ID`, and as the bare ID. */
const secretId = (uri: string): string => uri.slice(Math.max(uri.lastIndexOf('/'), uri.indexOf(':')) + 1);

export class Secrets {
  readonly #tools: Tools;
  readonly #masks: Masks;
  /** Content that this hook wrote, by ID: Juju itself would still answer with the revision before. */
  readonly #written = new Map<string, SecretContent>();

  constructor(tools: Tools, masks: Masks) {
    this.#tools = tools;
    this.#masks = masks;
  }

  /** Makes a secret; resolves with its URI, which is usable at once. Application secrets are the leader's: rejects with NotLeader. */
  async add(content: SecretContent, options: SecretOptions = {}): Promise<string> {
    const uri = (await this.#send('secret-add', optionArgs(options), content)).trim();
    this.#written.set(secretId(uri), content);
    return uri;
  }

  /** Makes a new revision. Juju makes none when the content is what it was. */
  async set(uri: string, content: SecretContent, options: Omit<SecretOptions, 'owner'> = {}): Promise<void> {
    await this.#send('secret-set', [...optionArgs(options), uri], content);
    this.#written.set(secretId(uri), content);
  }

  /**
   * A secret's content; `undefined` when there is none. Juju keeps to the revision read first: `refresh` moves on to the
   * newest one, `peek` only looks at it. Rejects with PermissionDenied when the secret was not granted.
   */
  async get(reference: SecretReference, mode?: 'refresh' | 'peek'): Promise<SecretContent | undefined> {
    const { uri, label } = typeof reference === 'string' ? { uri: reference } : reference;
    const written = await this.#ownContent(uri, label);
    if (written) return written;
    const args = [
      ...(uri ? [uri] : []),
      ...(label ? ['--label', label] : []),
      ...(mode ? [`--${mode}`] : []),
    ];
    const content = await this.#unlessMissing(this.#tools.json(contentAnswer, 'secret-get', args));
    for (const value of Object.values(content ?? {})) this.#mask(value);
    return content;
  }

  /** Lets the application (or one unit) at the other end of a relation read the secret. */
  async grant(uri: string, relation: { id: string }, unit?: string): Promise<void> {
    await this.#change('secret-grant', [uri, '-r', relation.id, ...(unit ? ['--unit', unit] : [])]);
  }

  async revoke(
    uri: string,
    from: { relation?: { id: string }; application?: string; unit?: string },
  ): Promise<void> {
    const target = from.relation
      ? ['-r', from.relation.id]
      : from.application
        ? ['--app', from.application]
        : [];
    await this.#change('secret-revoke', [uri, ...target, ...(from.unit ? ['--unit', from.unit] : [])]);
  }

  /** Removes the secret, or one revision of it. */
  async remove(uri: string, revision?: number): Promise<void> {
    await this.#change('secret-remove', [
      uri,
      ...(revision === undefined ? [] : ['--revision', String(revision)]),
    ]);
    if (revision === undefined) this.#written.delete(secretId(uri));
  }

  /** What Juju knows of an own secret beside its content; `undefined` when there is none. */
  async info(reference: SecretReference): Promise<SecretInfo | undefined> {
    const { uri, label } = typeof reference === 'string' ? { uri: reference } : reference;
    const args = uri ? [uri] : ['--label', label ?? ''];
    const answer = await this.#unlessMissing(this.#tools.json(infoAnswer, 'secret-info-get', args));
    const [found] = Object.entries(answer ?? {});
    return found && { uri: secretUri(found[0]), ...found[1] };
  }

  /** The URIs of the secrets that this unit's application owns. */
  async ids(): Promise<string[]> {
    return (await this.#tools.json(idsAnswer, 'secret-ids', [])).map(secretUri);
  }

  async #unlessMissing<T>(answer: Promise<T>): Promise<T | undefined> {
    try {
      return await answer;
    } catch (error) {
      if (error instanceof SecretNotFound) return undefined;
      throw error;
    }
  }

  /** The agent opens the files, as root and before the tool ends: so absolute paths in a folder that is ours alone. */
  async #send(tool: string, args: readonly string[], content: SecretContent): Promise<string> {
    for (const value of Object.values(content)) this.#mask(value);
    const folder = await mkdtemp(join(tmpdir(), 'juju-secret-'));
    try {
      const files: string[] = [];
      for (const [key, value] of Object.entries(content)) {
        const path = join(folder, encodeURIComponent(key));
        await writeFile(path, value, { mode: 0o600, flag: 'wx' });
        files.push(`${key}#file=${path}`);
      }
      return await this.#change(tool, [...args, ...files]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async #change(tool: string, args: readonly string[]): Promise<string> {
    const answer = await this.#tools.run(tool, args);
    for (const read of ['secret-get', 'secret-info-get', 'secret-ids']) this.#tools.forget(read);
    return answer;
  }

  async #ownContent(uri: string | undefined, label: string | undefined): Promise<SecretContent | undefined> {
    if (this.#written.size === 0) return undefined;
    const known = uri ?? (await this.info({ label: label ?? '' }))?.uri;
    return known === undefined ? undefined : this.#written.get(secretId(known));
  }

  /** Short values ("true", "admin") are left: masking them would make logs unreadable and hide nothing. */
  #mask(value: string): void {
    if (value.length >= 8) this.#masks.add(value);
  }
}

/** The options are named as the tools' flags are. */
const optionArgs = (options: SecretOptions): string[] =>
  Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value]));

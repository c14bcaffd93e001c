// What units tell each other: the facts in each unit's databag of the peer relation, and how their values are written
// as the strings that a databag holds. Readers ignore unknown keys; a malformed value counts as absent.
import { z } from 'zod';

/** The protocol that this code speaks. Whoever meets a higher number begins no upgrade. */
export const protocolVersion = 1;

export const numberText = z.codec(z.string().regex(/^[0-9]{1,15}$/), z.number().int().nonnegative(), {
  decode: (text) => Number(text),
  encode: (value) => String(value),
});

export const flagText = z.codec(z.enum(['true', 'false']), z.boolean(), {
  decode: (text) => text === 'true',
  encode: (value) => (value ? 'true' : 'false'),
});

/** RFC 3339 in UTC, as ms since the epoch. */
export const instantText = z.codec(z.iso.datetime(), z.number().int(), {
  decode: (text) => Date.parse(text),
  encode: (value) => new Date(value).toISOString(),
});

export function jsonText<T extends z.ZodType>(schema: T) {
  return z.codec(z.string(), schema, {
    decode: (text, context) => {
      try {
        return JSON.parse(text);
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        context.issues.push({ code: 'custom', message: 'not JSON', input: text });
        return z.NEVER;
      }
    },
    encode: (value) => JSON.stringify(value),
  });
}

const version = z.string().regex(/^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$/);
export const versionText = version;

/** The unit databag of `peers`; who writes which key, and what it means: docs/explanation/upgrades.md. */
export const factsSchema = z.object({
  role: z.enum(['web', 'worker', 'web,worker']),
  'volume-id': z.uuid(),
  'running-web': version,
  'running-worker': version,
  protocol: numberText,
  'upgrade-state': z.enum(['prepare', 'complete']),
  'upgrade-id': numberText,
  'upgrade-to': version,
  'upgrade-deadline': instantText,
  'upgrade-outcome': z.enum(['upgraded', 'unchanged']),
  'upgrade-error': z.string(),
  /** With `prepare`: the database's schema is another one then, so every other web stops, too. */
  'upgrade-stops-web': flagText,
  /** Workers go to the installed release in turn: those whose turn it is. Absent where all go together. */
  'upgrade-turn': jsonText(z.array(z.string())),
  /** Until when this upgrade waits for other applications to have its release ready. */
  'staging-deadline': jsonText(z.object({ id: z.number().int(), until: z.number().int() })),
  'installed-version': version,
  'release-digest': z.string().regex(/^sha256:[0-9a-f]{64}$/),
  'tsa-address': z.string().regex(/^\S+:[0-9]+$/),
  'tsa-host-key': z.string().startsWith('ssh-rsa '),
  'web-url': z.string(),
  /** What web answers with; with mode=web. */
  'web-answers': version,
  /** Web on a volume of its own: the goal's version, once it lies there; or why it cannot. */
  'staged-version': version,
  'staging-error': z.string(),
  /** Where an ingress reaches web: a URL with its address. Absent without one. */
  'web-address': z.url({ protocol: /^https?$/ }),
  /** The revision of web's secret that the web which answers was started with. */
  'web-revision': numberText,
  /** Fingerprints of the worker keys that web lets in: a worker starts once its own is among them. */
  'authorized-workers': jsonText(z.array(z.string())),
  'upgrade-ready': flagText,
  /** Where workers go in turn: the release with which this one has registered. */
  'registered-worker': version,
  'worker-key': z.string().startsWith('ssh-rsa '),
  leaving: flagText,
});

type Decoded = z.output<typeof factsSchema>;
export type FactKey = keyof Decoded;
/** Facts as read or to be written: whatever is absent is `undefined`, and is removed when written. */
export type Facts = { [K in FactKey]?: Decoded[K] | undefined };

/** Every key, so that what the facts lack is removed from the databag when they are written. */
export function wholeFacts(facts: Facts): Facts {
  return { ...Object.fromEntries(Object.keys(factsSchema.shape).map((key) => [key, undefined])), ...facts };
}

/** The keys that only the goal's installer may hold: a unit that is no longer the installer clears them. */
export const installerKeys = [
  'upgrade-state',
  'upgrade-to',
  'upgrade-deadline',
  'upgrade-outcome',
  'upgrade-error',
  'upgrade-stops-web',
  'upgrade-turn',
  'staging-deadline',
  'installed-version',
  'release-digest',
] as const satisfies readonly FactKey[];

export function isWorker(facts: Facts): boolean {
  return facts.role === 'worker' || facts.role === 'web,worker';
}

export function isWeb(facts: Facts): boolean {
  return facts.role === 'web' || facts.role === 'web,worker';
}

/** A deadline further off than its whole length has passed: the clock that set it was set back since. */
export function hasPassed(deadline: number, now: number, lengthMs: number): boolean {
  return now >= deadline || deadline - now > lengthMs;
}

// The options that go straight into Concourse's environment, each with the variable that it sets: those that operators set
// most. All others are reached by extra-web-env and extra-worker-env.
import { option } from 'juju-ts-ops';
import { z } from 'zod';
import type { Environment } from './concourse/environment-file.ts';
import { optionVariables } from './concourse/option-variables.ts';
import { vaultPrefix } from './concourse/vault.ts';
import type { Program } from './concourse/extra-environment.ts';

/** Names separated by commas; blanks around them do not count, and nor does one that is there twice. */
const list = (accepted: string, fits: (item: string) => boolean) =>
  z
    .string()
    .transform((text) =>
      [...new Set(text.split(',').map((item) => item.trim()))].filter((item) => item !== ''),
    )
    .refine((items) => items.length > 0 && items.every(fits), accepted);

const strategies = [
  'volume-locality',
  'random',
  'fewest-build-containers',
  'limit-active-tasks',
  'limit-active-containers',
  'limit-active-volumes',
];

/** As Go reads it: `90s`, `1h30m`, `1.5h`. */
const goDuration = z
  .string()
  .trim()
  .regex(/^(?:[0-9]+(?:\.[0-9]+)?(?:ms|s|m|h))+$/, 'a span such as 30s, 5m or 120h');

const network = z
  .string()
  .trim()
  .refine((text) => {
    const [, address = '', prefix = ''] = /^([0-9.]+)\/([0-9]{1,2})$/.exec(text) ?? [];
    return isAddress(address) && Number(prefix) >= 8 && Number(prefix) <= 28;
  }, 'an IPv4 network from /8 to /28, such as 10.80.0.0/16');

const isAddress = (text: string): boolean => z.union([z.ipv4(), z.ipv6()]).safeParse(text).success;

/** Everybody who may look at the model reads options, and every build the variable. */
const proxy = z
  .string()
  .trim()
  .refine((text) => {
    if (!URL.canParse(text)) return false;
    const { protocol, password } = new URL(text);
    return /^https?:$/.test(protocol) && password === '';
  }, 'a URL that begins with http:// or https://, without a password');

const natural = z.int().min(0);

/** In the order in which the reference has them. */
export const concourseOptions = {
  'cluster-name': option.string({
    schema: z.string().trim(),
    description: "Name of this Concourse, as the UI shows it. Empty: the application's name.",
  }),
  'container-placement-strategy': option.string({
    schema: list(`some of ${strategies.join(', ')}, separated by commas`, (item) =>
      strategies.includes(item),
    ),
    description:
      'How web chooses the worker of a build: one or several of volume-locality, random, fewest-build-containers, limit-active-tasks, limit-active-containers, limit-active-volumes, each choosing among what the one before left.',
  }),
  'default-build-logs-to-retain': option.int({
    schema: natural,
    default: 0,
    description:
      'Builds of a job whose logs are kept, where the job does not say. 0: all, and the database grows.',
  }),
  'max-build-logs-to-retain': option.int({
    schema: natural,
    default: 0,
    description: 'The most builds whose logs a job may ask to keep. 0: any number.',
  }),
  'default-days-to-retain-build-logs': option.int({
    schema: natural,
    default: 0,
    description: 'Days for which logs are kept, where the job does not say. 0: for ever.',
  }),
  'max-days-to-retain-build-logs': option.int({
    schema: natural,
    default: 0,
    description: 'The most days for which a job may ask to keep logs. 0: any number.',
  }),
  'gc-failed-grace-period': option.string({
    schema: goDuration,
    description:
      'How long the containers of a failed build are kept, for fly intercept. Empty: 120h, as Concourse has it.',
  }),
  'vault-url': option.string({
    schema: z
      .string()
      .trim()
      .refine(
        (text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && !text.includes('@'),
        'a URL that begins with http:// or https://, without a password',
      ),
    description:
      'Vault from which pipelines have their secrets, where the relation vault-kv brings none. How web logs in there: extra-web-env and extra-web-secrets.',
  }),
  'vault-path-prefix': option.string({
    schema: vaultPrefix,
    description: 'Where in Vault the secrets are. Empty: /concourse, or what the relation vault-kv says.',
  }),
  tag: option.string({
    schema: list('tags separated by commas, without blanks in them', (item) => !/\s/.test(item)),
    description: 'Tags of the workers, separated by commas: only steps with one of them run there.',
  }),
  team: option.string({
    schema: z
      .string()
      .trim()
      .regex(/^[^\s,/]+$/, "one team's name"),
    description: 'The one team that the workers are for; there must be such a team. Empty: for all.',
  }),
  'containerd-dns-server': option.string({
    schema: list('IP addresses separated by commas', isAddress),
    description:
      "Name servers of containers, separated by commas. Empty: those of the worker's machine, unless they are on its loopback.",
  }),
  'containerd-dns-proxy-enable': option.boolean({
    default: false,
    description: "Whether containers ask the worker's own name service.",
  }),
  'containerd-network-pool': option.string({
    schema: network,
    description:
      "IPv4 network for the containers, where Concourse's own choice, 10.80.0.0/16, is somebody else's.",
  }),
  'containerd-max-containers': option.int({
    schema: natural,
    default: 0,
    description: 'The most containers of one worker. 0: 250, as Concourse has it.',
  }),
  'http-proxy': option.string({
    schema: proxy,
    description: "Proxy of workers and their builds for http. Empty: the model's juju-http-proxy.",
  }),
  'https-proxy': option.string({
    schema: proxy,
    description: "Proxy of workers and their builds for https. Empty: the model's juju-https-proxy.",
  }),
  'no-proxy': option.string({
    schema: list('names, addresses and networks separated by commas', (item) => !/\s/.test(item)),
    description:
      "What workers and their builds reach without a proxy, separated by commas. Empty: the model's juju-no-proxy.",
  }),
} as const;

/** What the options set. Not set, 0 and false leave Concourse its own default. */
export function optionEnvironment(values: Readonly<Record<string, unknown>>, program: Program): Environment {
  return Object.fromEntries(
    Object.entries(optionVariables[program]).flatMap(([name, variable]) => {
      const value = values[name];
      if (value === undefined || value === '' || value === 0 || value === false) return [];
      return [[variable, Array.isArray(value) ? value.join(',') : String(value)]];
    }),
  );
}

// The parts of the reference pages that the charm's definition knows: they are written from it, so that a page cannot say
// something else than Juju does. What stands outside of the marks is written by people.
import { z } from 'zod';

/** config.yaml and actions.yaml, as `charmFiles` makes them. */
const configFile = z.object({
  options: z.record(
    z.string(),
    z.object({
      type: z.string(),
      default: z.union([z.string(), z.number(), z.boolean()]).optional(),
      description: z.string(),
    }),
  ),
});
const parameter = z.object({
  type: z.string(),
  description: z.string().default(''),
  default: z.unknown().optional(),
  enum: z.array(z.string()).optional(),
});
const actionsFile = z.record(
  z.string(),
  z.object({
    description: z.string(),
    params: z.record(z.string(), parameter).default({}),
    required: z.array(z.string()).default([]),
  }),
);

/** `<!-- generated: options -->` … `<!-- end -->`: the text between is replaced. */
const mark = /(<!-- generated: (\S+) -->\n)[\s\S]*?(<!-- end -->)/g;

/** The blocks by their marks' names: `options`, and `action:NAME` for each action. */
export function blocksOf(files: { config: unknown; actions: unknown }): Map<string, string> {
  const { options } = configFile.parse(files.config);
  const blocks = new Map([['options', optionTable(options)]]);
  for (const [name, action] of Object.entries(actionsFile.parse(files.actions)))
    blocks.set(`action:${name}`, actionBlock(action));
  return blocks;
}

/** The page with its blocks as they should be. Throws on a mark that names no block. */
export function filledIn(page: string, blocks: ReadonlyMap<string, string>): string {
  return page.replace(mark, (_whole, open: string, name: string, close: string) => {
    const block = blocks.get(name);
    if (block === undefined) throw new Error(`the definition knows nothing of ${name}: remove its mark`);
    return `${open}${block}${close}`;
  });
}

/** The page with a section for each name that lacks one, behind that of the name before. Sections are in the order of `wanted`;
 * what people write into them stays. */
export function withSections(page: string, wanted: readonly { name: string; text: string }[]): string {
  const titles = wanted.map(({ name }) => `## ${name}\n`);
  return wanted.reduce((grown, { name, text }, index) => {
    if (grown.includes(`\n## ${name}\n`)) return grown;
    // Before the next one that is there; behind the last, where that is followed by a section of another kind.
    const next = titles.slice(index + 1).find((title) => grown.includes(`\n${title}`));
    const at = next === undefined ? endOf(grown, titles[index - 1]) : grown.indexOf(`\n${next}`) + 1;
    return `${grown.slice(0, at)}## ${name}\n\n${text}\n\n${grown.slice(at)}`;
  }, page);
}

function endOf(page: string, title: string | undefined): number {
  const start = title === undefined ? 0 : page.indexOf(`\n${title}`) + 1;
  const after = page.indexOf('\n## ', start);
  return after < 0 ? page.length : after + 1;
}

/** What `withSections` begins a page's sections with, by page. */
export function sectionsOf(files: { config: unknown; actions: unknown }) {
  const { options } = configFile.parse(files.config);
  return {
    'options.md': Object.entries(options).map(([name, { description }]) => ({ name, text: description })),
    'actions.md': Object.keys(actionsFile.parse(files.actions)).map((name) => ({
      name,
      text: `<!-- generated: action:${name} -->\n<!-- end -->`,
    })),
  };
}

/** Names of the marks in a page. */
export function marksOf(page: string): string[] {
  return [...page.matchAll(mark)].map(([, , name = '']) => name);
}

function optionTable(options: z.infer<typeof configFile>['options']): string {
  const rows = Object.entries(options).map(([name, option]) => [
    code(name),
    option.type,
    shown(option.default),
    option.description,
  ]);
  return table(['option', 'type', 'default', 'what it is'], rows);
}

function actionBlock({ description, params, required }: z.infer<typeof actionsFile>[string]): string {
  const rows = Object.entries(params).map(([name, param]) => [
    code(name),
    param.enum === undefined ? param.type : param.enum.map(code).join(' or '),
    required.includes(name) ? 'required' : shown(param.default),
    param.description,
  ]);
  const parameters =
    rows.length === 0 ? 'No parameters.\n' : table(['parameter', 'type', 'default', 'what it is'], rows);
  return `${description}\n\n${parameters}`;
}

const code = (text: string): string => `\`${text}\``;
const shown = (value: unknown): string => (value === undefined ? '–' : code(String(value)));

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').trim()).join(' | ')} |\n`;
  return line(head) + line(head.map(() => '---')) + rows.map(line).join('');
}

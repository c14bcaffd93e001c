// `--file` of relation-set and state-set: a YAML map of strings as Juju's parser takes it, including what it refuses.
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import type { Context } from './context.ts';
import { NotModelled, ToolError } from './errors.ts';

export function readSettingsFile(
  context: Context,
  path: string,
  stdin: string | undefined,
): Map<string, string> {
  return parseSettings(path === '-' ? (stdin ?? '') : readFile(context, path));
}

/** A file as the agent reads it; the front end says where it is. */
export function readFile(context: Context, path: string): string {
  const { disk } = context.model.options;
  if (!disk) throw new NotModelled('disk', path);
  const text = disk.read(context.unit.name, path);
  if (text === undefined) throw new ToolError(1, `open ${path}: no such file or directory`);
  return text;
}

/** Control characters but tab, line ends and U+0085, and two non-characters. */
const control = /[^\P{Cc}\t\n\r\u0085]|[\ufffe\uffff]/u;
const loneSurrogate = /\p{Surrogate}/u;

export function parseSettings(text: string): Map<string, string> {
  if (control.test(text) || loneSurrogate.test(text))
    throw new ToolError(1, 'yaml: control characters are not allowed');
  const lines = new LineCounter();
  const document = parseDocument(text, {
    version: '1.1',
    uniqueKeys: false,
    keepSourceTokens: true,
    lineCounter: lines,
  });
  const root = document.contents;
  const values = new Map<string, string>();
  if (root === null || (isScalar(root) && root.value === null)) return values;
  if (!isMap(root)) throw mismatch(root, 'map[string]string', lines);
  for (const { key, value } of root.items) {
    if (!isScalar(key)) throw new NotModelled('YAML key');
    if (value !== null && !isScalar(value)) {
      if (isMap(value) || isSeq(value)) throw mismatch(value, 'string', lines);
      throw new NotModelled('YAML anchor');
    }
    values.set(scalarText(key), value === null ? '' : scalarText(value));
  }
  const [broken] = document.errors;
  if (broken) throw new ToolError(1, `yaml: ${broken.message}`);
  return values;
}

/** The source text of plain scalars (`1.50` stays `1.50`), the content of quoted ones. */
function scalarText(node: Node): string {
  if (!isScalar(node)) return '';
  if (node.type === 'QUOTE_DOUBLE') {
    const source = node.srcToken && 'source' in node.srcToken ? node.srcToken.source : '';
    if (/(?<!\\)(?:\\\\)*\\u[dD][89a-fA-F]/.test(source)) {
      throw new ToolError(1, 'yaml: found invalid Unicode character escape code');
    }
    if (/(?<!\\)(?:\\\\)*\\\//.test(source)) throw new ToolError(1, 'yaml: found unknown escape character');
  }
  if (typeof node.value === 'string') return node.value.replaceAll('\u0085', ' ');
  return node.value === null ? '' : (node.source ?? String(node.value));
}

function mismatch(node: Node, wanted: string, lines: LineCounter): ToolError {
  const kind = isMap(node) ? 'map' : isSeq(node) ? 'seq' : 'str';
  const { line } = lines.linePos(node.range?.[0] ?? 0);
  const sample = isScalar(node) ? ` \`${String(node.source ?? node.value)}\`` : '';
  return new ToolError(
    1,
    `yaml: unmarshal errors:\n  line ${line}: cannot unmarshal !!${kind}${sample} into ${wanted}`,
  );
}

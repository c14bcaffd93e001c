// Says in a few words what a zod schema would have taken, for statuses and action failures that a person reads.
import type * as z from 'zod';

type Issue = z.core.$ZodIssue;

const typeWords: Record<string, string> = {
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  string: 'text',
};

/** What would be accepted instead, from the issues of a failed parse: `one of auto, web`, `at most 65535`. */
export function acceptedBy(error: { readonly issues: readonly Issue[] }): string {
  return error.issues.map((issue) => words(issue)).join('; ');
}

function words(issue: Issue): string {
  // Only zod's own English is put into other words; a message that the schema's author wrote is kept.
  if (!/^(Invalid|Too (big|small)|Unrecognized)/.test(issue.message)) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      return typeWords[issue.expected] ?? `a value of type ${issue.expected}`;
    case 'invalid_value':
      return issue.values.length === 1 ? String(issue.values[0]) : `one of ${issue.values.join(', ')}`;
    case 'too_small':
      return bound(issue.inclusive === false ? 'more than' : 'at least', issue.minimum, issue.origin);
    case 'too_big':
      return bound(issue.inclusive === false ? 'less than' : 'at most', issue.maximum, issue.origin);
    case 'invalid_format':
      return issue.pattern ? `text that matches ${issue.pattern}` : `a valid ${issue.format}`;
    case 'unrecognized_keys':
      return `nothing named ${issue.keys.join(', ')}`;
    case 'invalid_union':
    case 'invalid_key':
    case 'invalid_element':
    case 'not_multiple_of':
    case 'custom':
      return issue.message;
    default:
      issue satisfies never;
      return 'something else';
  }
}

function bound(how: string, limit: number | bigint, origin: string): string {
  const unit = origin === 'string' ? ' characters' : origin === 'array' || origin === 'set' ? ' items' : '';
  return `${how} ${limit}${unit}`;
}

/** A value as it is shown beside what would be accepted: at most 80 characters on one line. */
export function shownValue(value: unknown): string {
  const text = (typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing')).replace(
    /\s+/g,
    ' ',
  );
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

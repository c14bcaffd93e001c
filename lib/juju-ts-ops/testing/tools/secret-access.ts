// secret-grant, secret-revoke, secret-remove.
import { parse, quote } from '../arguments.ts';
import { type Context, relationArgument, relationByText } from '../context.ts';
import { ToolError } from '../errors.ts';
import { applicationOf, ends } from '../model.ts';
import { mustLead, owned, readId } from './secret.ts';

const target = { r: 'relation', relation: 'relation', unit: 'unit' };
const checkRelation = (context: Context) => (name: string, value: string) => {
  if (name === 'relation') relationByText(context, value);
};

export function secretGrant(context: Context, argv: readonly string[]): string {
  const args = parse(argv, { options: target, check: checkRelation(context), most: 1 });
  const id = readId(args.rest[0]);
  const relation = relationArgument(context, args.options.get('relation'));
  const { remote } = ends(relation, context.unit.application);
  const unit = args.options.get('unit');
  if (unit !== undefined && applicationOf(unit) !== remote.application) {
    throw new ToolError(
      2,
      `cannot specify unit ${quote(unit)} in relation to application ${quote(remote.application)}`,
    );
  }
  mustLead(context, id);
  if (!owned(context, id)) throw new ToolError(1, `secret ${quote(id)} not found`);
  const reader = unit ?? remote.application;
  context.pending.secretGrants.push({ id, reader, relation: relation.id, revoke: false });
  return '';
}

export function secretRevoke(context: Context, argv: readonly string[]): string {
  const args = parse(argv, {
    options: { ...target, app: 'app', application: 'app' },
    check: checkRelation(context),
    most: 1,
  });
  const id = readId(args.rest[0]);
  const given = args.options.get('relation');
  const reader =
    args.options.get('unit') ??
    args.options.get('app') ??
    (given === undefined
      ? undefined
      : ends(relationByText(context, given), context.unit.application).remote.application);
  if (reader === undefined) throw new ToolError(2, 'missing relation or application or unit');
  mustLead(context, id);
  if (owned(context, id)) context.pending.secretGrants.push({ id, reader, revoke: true });
  return '';
}

export function secretRemove(context: Context, argv: readonly string[]): string {
  const args = parse(argv, { options: { revision: 'revision' }, most: 1 });
  const id = readId(args.rest[0]);
  const revision = args.options.get('revision');
  mustLead(context, id);
  const { pending } = context;
  if (pending.secretAdds.has(id)) {
    pending.secretAdds.delete(id);
    return '';
  }
  if (revision === undefined) pending.secretSets.delete(id);
  if (!owned(context, id)) return '';
  pending.secretRemoves.push(revision === undefined ? { id } : { id, revision: Number(revision) });
  return '';
}

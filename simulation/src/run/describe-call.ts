import type { Item } from '../table/values.js';
import type { DescribedCall } from './story.js';

/** Says in a few words what a call to the table did, with the names of the protocol. */
export function describeCall(operation: string, { input, answer }: DescribedCall): string {
  const request = input as Request;
  const output = ('output' in answer ? answer.output : {}) as Output;
  const failure = 'error' in answer ? failureOf(answer.error) : '';
  const row = rowOf(request.Key ?? request.Item ?? {});
  switch (operation) {
    case 'GetItem':
      return `reads ${row}: ${output.Item ? contentOf(output.Item) : 'nothing'}${failure}`;
    case 'Query':
      return `${queryOf(request, output)}${failure}`;
    case 'PutItem':
      return `${putOf(row, request.Item ?? {})}${failure}`;
    case 'UpdateItem':
      return `${updateOf(row, request)}${failure}`;
    case 'DeleteItem':
      return `deletes ${row}${failure}`;
    default:
      return `${operation} of ${keysOf(request)}${failure}`;
  }
}

interface Request {
  readonly Key?: Item;
  readonly Item?: Item;
  readonly UpdateExpression?: string;
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>;
  readonly ExpressionAttributeValues?: Item;
  readonly RequestItems?: Readonly<Record<string, unknown>>;
}

interface Output {
  readonly Item?: Item;
  readonly Items?: readonly Item[];
  readonly LastEvaluatedKey?: Item;
}

const ROWS: Readonly<Record<string, string>> = {
  H: 'HEAD',
  B: 'BODY of',
  L: 'LOG',
  S: 'member',
  C: 'connection',
};

/** The name of a row: `HEAD`, `BODY of m1`, `LOG 17`. */
function rowOf(key: Item): string {
  const [kind = '', ...rest] = (key['pk']?.S ?? '').split('#');
  const sk = key['sk']?.S ?? '';
  if (kind === 'L') return `LOG ${Number(sk)}`;
  if (kind === 'C' || kind === 'S') return `${ROWS[kind]} ${key['pk']?.S?.slice(2)} ${sk}`;
  if (kind === 'H') return 'HEAD';
  return [ROWS[kind] ?? kind, ...rest.slice(-1)].join(' ').replace(/_+$/, '');
}

function putOf(row: string, item: Item): string {
  if (row.startsWith('BODY')) {
    const [nonce, after] = [item['nonce']?.S, item['after']?.N];
    return `claims ${row.slice('BODY of '.length)} with nonce ${nonce} behind ${after}`;
  }
  if (row === 'HEAD') return `begins the log ${item['epoch']?.S}`;
  return `puts ${row}: ${ringKeyOf(item['ringKey']?.S)}`;
}

function updateOf(row: string, request: Request): string {
  const { UpdateExpression = '', ExpressionAttributeNames: names = {} } = request;
  const values = request.ExpressionAttributeValues ?? {};
  const number = (name: string): string | undefined => values[name]?.N;
  if (UpdateExpression.includes('#ids.#k =')) {
    return `appends ${ringKeyOf(names['#k'])}, which is not in the log up to ${number(':k')}`;
  }
  if (UpdateExpression.includes('#floor = :to')) {
    return `drops up to ${number(':to')}, if the floor is ${number(':seen')}`;
  }
  if (UpdateExpression.includes('#after = :after')) {
    return `raises the claim of ${row} to behind ${number(':after')}`;
  }
  return `updates ${row}: ${UpdateExpression}`;
}

function queryOf(
  { ExpressionAttributeValues = {} }: Request,
  { Items = [], LastEvaluatedKey }: Output,
): string {
  const [partition, ...range] = Object.values(ExpressionAttributeValues).map(({ S }) => S ?? '');
  const offsets = Items.map((item) => Number(item['sk']?.S) || item['sk']?.S);
  const from = range.map((bound) => Number(bound) || bound).join(' to ');
  const found = `${offsets.join(' ') || 'nothing'}${LastEvaluatedKey ? ' and more' : ''}`;
  return `looks for ${partition?.startsWith('L#') ? 'LOG' : partition} ${from}: ${found}`;
}

function contentOf(item: Item): string {
  const names = ['epoch', 'top', 'floor', 'purged', 'nonce', 'after', 'ringKey'];
  const parts = names.flatMap((name) => {
    const value = item[name];
    return value ? [`${name} ${value.S ?? value.N}`] : [];
  });
  return parts.join(', ') || Object.keys(item).join(', ');
}

/** A key of the ring: the id and the nonce. */
function ringKeyOf(ringKey: string = ''): string {
  return `${ringKey.slice(0, 16).replace(/_+$/, '')} (${ringKey.slice(16)})`;
}

function keysOf({ RequestItems = {} }: Request): string {
  const keys = JSON.stringify(RequestItems).match(/"pk":\{"S":"[^"]*"\}/g) ?? [];
  return keys.map((key) => key.slice(11, -2)).join(', ');
}

function failureOf({ name }: Error): string {
  return name === 'ConditionalCheckFailedException' ? ' → refused' : ` → ${name}`;
}

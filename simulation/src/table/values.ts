import type { AttributeValue } from '@aws-sdk/client-dynamodb';

/** An item in DynamoDB's format. */
export type Item = Readonly<Record<string, AttributeValue>>;

/** Whether two values are equal: of the same type and content. */
export function areEqual(one: AttributeValue, other: AttributeValue): boolean {
  const [type, type2] = [typeOf(one), typeOf(other)];
  if (type !== type2) return false;
  if (type === 'N') return Number(one.N) === Number(other.N);
  if (type === 'SS' || type === 'NS') {
    const [members, members2] = [new Set(one[type]), new Set(other[type])];
    return members.size === members2.size && [...members].every((member) => members2.has(member));
  }
  if (type === 'L') {
    const [list, list2] = [one.L ?? [], other.L ?? []];
    return (
      list.length === list2.length &&
      list.every((value, index) => areEqual(value, list2[index] as AttributeValue))
    );
  }
  if (type === 'M') {
    const [map, map2] = [one.M ?? {}, other.M ?? {}];
    const names = Object.keys(map);
    return (
      names.length === Object.keys(map2).length &&
      names.every((name) => {
        const [value, value2] = [map[name], map2[name]];
        return value !== undefined && value2 !== undefined && areEqual(value, value2);
      })
    );
  }
  return one[type] === other[type];
}

/** Less than 0, 0, or more than 0; `undefined` if the values have no order. */
export function compare(one: AttributeValue, other: AttributeValue): number | undefined {
  if (one.N !== undefined && other.N !== undefined) return Number(one.N) - Number(other.N);
  if (one.S !== undefined && other.S !== undefined) return compareText(one.S, other.S);
  return undefined;
}

/** The order of texts in DynamoDB: that of their bytes, which for ASCII is also that of their characters. */
export function compareText(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

/** What `size()` says: characters of a text in bytes, else the number of members. */
export function sizeOf(value: AttributeValue): number | undefined {
  if (value.S !== undefined) return Buffer.byteLength(value.S);
  const members = value.SS ?? value.NS ?? value.L;
  if (members) return members.length;
  return value.M && Object.keys(value.M).length;
}

/** About how many bytes an item takes (Amazon DynamoDB developer guide, "Item sizes and formats"). */
export function bytesOf(item: Item): number {
  let bytes = 0;
  for (const [name, value] of Object.entries(item)) bytes += name.length + bytesOfValue(value);
  return bytes;
}

function bytesOfValue(value: AttributeValue): number {
  if (value.S !== undefined) return Buffer.byteLength(value.S);
  if (value.N !== undefined) return Math.ceil(value.N.length / 2) + 1;
  if (value.M) return 3 + bytesOf(value.M);
  if (value.L) return value.L.reduce((sum, member) => sum + 1 + bytesOfValue(member), 3);
  return (value.SS ?? value.NS ?? ['']).reduce((sum, member) => sum + member.length, 0);
}

function typeOf(value: AttributeValue): keyof AttributeValue {
  return Object.keys(value)[0] as keyof AttributeValue;
}

import type { ConnectionRecord, Subscriber } from '@gatecast/framework';
import { idOfSliceKey } from '@gatecast/framework/adapter';

/** The details of a membership: when the connection expires, then the record's other fields as JSON. */
export function detailsOf(record: ConnectionRecord): string {
  const { connectionId: _connectionId, expiresAt, identity: _identity, ...details } = record;
  return `${expiresAt} ${JSON.stringify(details)}`;
}

/** When the connection of a membership expires, in milliseconds since 1970. */
export function expiryOf(details: string): number {
  return Number.parseInt(details, 10);
}

/** A member of a channel. */
export interface Member {
  readonly sliceKey: string;
  readonly expiresAt: number;
  readonly subscriber: Subscriber;
}

/** Parses `sliceKey token expiresAt json`. */
export function readMember(member: string): Member {
  const [sliceKey = '', token = ''] = member.split(' ', 2);
  const details = member.slice(sliceKey.length + token.length + 2);
  const json = details.slice(details.indexOf(' ') + 1);
  return {
    sliceKey,
    expiresAt: expiryOf(details),
    subscriber: {
      connectionId: idOfSliceKey(sliceKey),
      ...(JSON.parse(json) as object),
    } as Subscriber,
  };
}

/** The tokens in `token/call token/call`, the memberships of one channel that are being removed. */
export function tokensOf(removing: string): string[] {
  return removing === ''
    ? []
    : removing.split(' ').map((entry) => entry.slice(0, entry.indexOf('/')));
}

/** Whether this call began to remove some of them. */
export function wasBegunBy(call: string, removing: string): boolean {
  return removing.includes(`/${call}`);
}

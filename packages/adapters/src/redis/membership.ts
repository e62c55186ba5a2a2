import type { ConnectionRecord, Subscriber } from '@gatecast/framework';
import { idOfSliceKey } from '@gatecast/framework/adapter';

/** What each membership carries of a record: when it expires, then the other fields as JSON. */
export function factsOf(record: ConnectionRecord): string {
  const { connectionId: _connectionId, expiresAt, identity: _identity, ...facts } = record;
  return `${expiresAt} ${JSON.stringify(facts)}`;
}

/** When a connection with these facts expires, in milliseconds since 1970. */
export function expiryOf(facts: string): number {
  return Number.parseInt(facts, 10);
}

/** A member of a channel. */
export interface Member {
  readonly sliceKey: string;
  readonly expiresAt: number;
  readonly subscriber: Subscriber;
}

/** Reads `sliceKey token expiresAt json`. */
export function readMember(member: string): Member {
  const [sliceKey = '', token = ''] = member.split(' ', 2);
  const facts = member.slice(sliceKey.length + token.length + 2);
  const json = facts.slice(facts.indexOf(' ') + 1);
  return {
    sliceKey,
    expiresAt: expiryOf(facts),
    subscriber: {
      connectionId: idOfSliceKey(sliceKey),
      ...(JSON.parse(json) as object),
    } as Subscriber,
  };
}

/** Memberships of one channel that are being removed: `token/call token/call`. */
export function tokensOf(removing: string): string[] {
  return removing === ''
    ? []
    : removing.split(' ').map((entry) => entry.slice(0, entry.indexOf('/')));
}

/** Whether it was this call that began to remove some of them. */
export function wasBegunBy(call: string, removing: string): boolean {
  return removing.includes(`/${call}`);
}

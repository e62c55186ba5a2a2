import { WebSocket } from 'ws';
import { RedisProxy } from '../../packages/adapters/test/engines/redis-proxy.js';
import { Random } from '../../simulation/src/world/random.js';
import type { Line } from './diary.js';
import { Member } from './member.js';
import type { Participant, ParticipantOptions } from './participant.js';

/** A client in this process, with a network of its own. */
export class NodeMember implements Participant {
  readonly name: string;
  readonly channels: readonly string[];
  readonly network: RedisProxy;
  readonly member: Member;
  readonly #lines: Line[] = [];

  private constructor({ name, channels, seed, path }: ParticipantOptions, network: RedisProxy) {
    this.name = name;
    this.channels = channels;
    this.network = network;
    this.member = new Member({
      name,
      channels,
      past: [],
      url: `ws://127.0.0.1:${network.port}${path}`,
      random: new Random(seed),
      WebSocket,
      diary: { write: (line) => void this.#lines.push(line) },
    });
  }

  static async open(options: ParticipantOptions): Promise<NodeMember> {
    return new NodeMember(options, await RedisProxy.start(options.port));
  }

  join(): Promise<void> {
    return this.member.join();
  }

  async talk(): Promise<void> {
    this.member.talk();
  }

  stop(): Promise<void> {
    return this.member.stop();
  }

  async tails(): Promise<Readonly<Record<string, string>>> {
    return this.member.tails;
  }

  async lines(): Promise<readonly Line[]> {
    return this.#lines;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.member.close();
    await this.network[Symbol.asyncDispose]();
  }
}

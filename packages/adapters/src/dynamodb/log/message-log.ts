import type {
  AppendRequest,
  AppendResult,
  LogHead,
  LogOfChannel,
  MessageLog,
  Position,
  ReadRequest,
  ReadResult,
} from '@gatecast/framework';
import type { TimeLimit } from '@gatecast/framework/adapter';
import type { OpenOptions } from '../connection-store.js';
import { Append } from './append.js';
import { ChannelLog, type OpenedLog } from './channel-log.js';
import { toLogHead } from './head.js';
import { Observations } from './observations.js';
import { purge } from './purge.js';
import { headFor, readAfter, readBefore } from './read.js';

const APPEND = 'append an event';
const READ = 'read the events of a channel';

/**
 * Logs in one table, each as three kinds of items. HEAD is one item of a channel: the last offset, and the
 * ids of the newest entries. BODY is one item of an id: who appends it, and the content. LOG has one item of
 * each entry. {@link Append} says how they are kept consistent.
 */
export class DynamoDbMessageLog implements MessageLog {
  readonly contract = 1;
  readonly #openTable: (opening: OpenOptions) => Promise<OpenedLog>;
  readonly #observations = new Observations();

  constructor(openTable: (opening: OpenOptions) => Promise<OpenedLog>) {
    this.#openTable = openTable;
  }

  async append(request: AppendRequest, limit?: TimeLimit): Promise<AppendResult> {
    const open = (usesWholeLimit: boolean): Promise<ChannelLog> =>
      this.#open(request, { operation: APPEND, limit, usesWholeLimit });
    return new Append(await open(false), request, () => open(true)).run();
  }

  async head(
    request: LogOfChannel & Pick<ReadRequest, 'keep'>,
    limit?: TimeLimit,
  ): Promise<LogHead> {
    const operation = 'read the last position of a channel';
    return toLogHead(await headFor(await this.#open(request, { operation, limit }), request.keep));
  }

  async readAfter(
    request: ReadRequest & { readonly after: Position },
    limit?: TimeLimit,
  ): Promise<ReadResult> {
    return readAfter(await this.#open(request, { operation: READ, limit }), request);
  }

  async readBefore(
    request: ReadRequest & { readonly before?: Position },
    limit?: TimeLimit,
  ): Promise<ReadResult> {
    return readBefore(await this.#open(request, { operation: READ, limit }), request);
  }

  async purge(request: LogOfChannel, limit?: TimeLimit): Promise<void> {
    const operation = 'delete the events of a channel';
    await purge(await this.#open(request, { operation, limit, usesWholeLimit: true }));
  }

  async #open(request: LogOfChannel, opening: OpenOptions): Promise<ChannelLog> {
    return new ChannelLog(await this.#openTable(opening), request, this.#observations);
  }
}

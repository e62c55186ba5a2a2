import { describeValue, reasonOf } from '../errors/check-options.js';
import { makeError } from '../errors/gatecast-error.js';
import type { AnyClass } from './any-class.js';
import { definitionOf } from './define-channel.js';
import type { ChannelDefinition, ChannelOptions } from './definition.js';
import {
  type ClassOptions,
  channelRecordOf,
  type HandlerRecord,
  handlerRecordsOf,
} from './registry.js';

/** Makes an instance of a channel class, for example with a dependency-injection container. */
export type Resolve = <T extends object>(
  // oxlint-disable-next-line typescript/no-explicit-any -- any constructor.
  type: new (...args: any[]) => T,
) => T;

/**
 * Reads the definition of a channel from its class, from an instance of it, or from a result of
 * `defineChannel`.
 */
export function readChannel(source: object, resolve: Resolve | undefined): ChannelDefinition {
  if ((typeof source !== 'object' && typeof source !== 'function') || source === null) {
    throw makeError('ERR_CHANNEL_NOT_DECORATED', { label: describeValue(source) });
  }
  const definition = definitionOf(source);
  if (definition) return definition;
  const type = (typeof source === 'function' ? source : source.constructor) as AnyClass;
  const label = type?.name || 'A channel';
  const record = typeof type === 'function' ? channelRecordOf(type) : undefined;
  if (!record) throw makeError('ERR_CHANNEL_NOT_DECORATED', { label });
  const instance = typeof source === 'function' ? construct(type, label, resolve) : source;
  const options = withInstance(record.options, instance);
  return { label, pattern: record.pattern, options, ...readHandlers(instance, label) };
}

/** The options, with an access rule that gets the instance. */
function withInstance(options: ClassOptions, instance: object): ChannelOptions {
  const { access, ...others } = options;
  if (access === undefined) return others;
  if (typeof access !== 'function') return { ...others, access };
  return { ...others, access: (ctx) => access(ctx, instance) };
}

function construct(type: AnyClass, label: string, resolve: Resolve | undefined): object {
  if (resolve) return resolved(type, label, resolve);
  if (type.length > 0) {
    throw makeError('ERR_CHANNEL_DEPENDENCIES', { label, count: type.length });
  }
  try {
    return new type();
  } catch (error) {
    throw makeError('ERR_CHANNEL_CONSTRUCTOR', { label, reason: reasonOf(error) }, error);
  }
}

function resolved(type: AnyClass, label: string, resolve: Resolve): object {
  let instance: unknown;
  try {
    instance = resolve(type);
  } catch (error) {
    throw makeError('ERR_RESOLVE', { label, problem: `threw "${reasonOf(error)}"` }, error);
  }
  // Anything else would not have the handlers of the class, and its routes would silently be missing.
  if (instance instanceof type) return instance;
  throw makeError('ERR_RESOLVE', { label, problem: `returned ${describeInstance(instance)}` });
}

function describeInstance(value: unknown): string {
  const type = (value as object | null | undefined)?.constructor?.name;
  const isInstance =
    typeof value === 'object' && type && !['Object', 'Array', 'Promise'].includes(type);
  return isInstance ? `an instance of ${type}` : describeValue(value);
}

type Handlers = Pick<
  ChannelDefinition,
  'connect' | 'disconnect' | 'subscribe' | 'unsubscribe' | 'messages'
>;

function readHandlers(instance: object, label: string): Handlers {
  const methods = instance as Record<string, (...args: unknown[]) => unknown>;
  const lifecycle: Partial<
    Record<HandlerRecord['kind'], { method: string; call(ctx: unknown): unknown }>
  > = {};
  const messages: ChannelDefinition['messages'][number][] = [];
  for (const { kind, decorator, method, schema, reply = true } of handlerRecordsOf(instance)) {
    if (typeof methods[method] !== 'function') {
      throw makeError('ERR_HANDLER_MISSING', { decorator, label, method });
    }
    if (kind === 'message') {
      const call = (message: unknown, ctx: unknown): unknown => methods[method]?.(message, ctx);
      messages.push({ method, reply, call, ...(schema && { schema }) });
      continue;
    }
    const first = lifecycle[kind]?.method;
    if (first !== undefined) {
      throw makeError('ERR_HANDLER_DUPLICATE', { label, decorator, first, second: method });
    }
    lifecycle[kind] = { method, call: (ctx) => methods[method]?.(ctx) };
  }
  return { ...lifecycle, messages };
}

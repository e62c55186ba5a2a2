// oxlint-disable-next-line import/no-unassigned-import -- it adds its functions to Reflect.
import 'reflect-metadata/lite';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { makeError, tracedFrom } from '../errors/gatecast-error.js';
import type { ChannelOptions } from './definition.js';

/** A handler that a method decorator has recorded. */
export interface HandlerRecord {
  readonly kind: 'connect' | 'disconnect' | 'subscribe' | 'unsubscribe' | 'message';
  /** The decorator, as it appears in messages: `@OnMessage`. */
  readonly decorator: string;
  readonly method: string;
  readonly schema?: StandardSchemaV1;
  readonly reply?: boolean;
}

/** Options of a class, whose access rule takes an instance of it. */
export type ClassOptions = ChannelOptions<string, unknown>;

/** A channel that `@Channel` has recorded. */
export interface ChannelRecord {
  readonly pattern: string;
  readonly options: ClassOptions;
}

// Registered symbols: a decorated class may come from another copy of the package.
const HANDLERS = Symbol.for('@gatecast/handlers');
const CHANNEL = Symbol.for('@gatecast/channel');

/** Records the channel of a class. */
export function recordChannel(target: object, record: ChannelRecord): void {
  Reflect.defineMetadata(CHANNEL, record, target);
}

/** The channel of a class, its own or an inherited one. */
export function channelRecordOf(target: object): ChannelRecord | undefined {
  return Reflect.getMetadata(CHANNEL, target) as ChannelRecord | undefined;
}

/** The handlers of an instance, from its class and the classes that it extends. */
export function handlerRecordsOf(instance: object): readonly HandlerRecord[] {
  const found = new Map<string, HandlerRecord>();
  for (
    let prototype: object | null = Object.getPrototypeOf(instance);
    prototype !== null;
    prototype = Object.getPrototypeOf(prototype)
  ) {
    for (const record of ownRecords(prototype)) {
      const key = `${record.kind} ${record.method}`;
      if (!found.has(key)) found.set(key, record);
    }
  }
  return [...found.values()];
}

/** The part of a TC39 decorator's context that the framework reads. */
export interface StandardMethodContext {
  readonly kind: string;
  readonly name: string | symbol;
  readonly static: boolean;
  readonly private: boolean;
  addInitializer(initializer: (this: unknown) => void): void;
}

/** A method decorator in either convention: legacy (prototype, name, descriptor) or TC39 (method, context). */
export type MethodDecorator = (
  target: unknown,
  nameOrContext: string | symbol | undefined | StandardMethodContext,
  descriptor?: PropertyDescriptor,
) => void;

/**
 * A decorator that records a handler.
 *
 * @throws ConfigurationError - ERR_HANDLER_PLACE, when it is applied to anything but a public method.
 */
export function methodDecorator(record: Omit<HandlerRecord, 'method'>): MethodDecorator {
  const decorate: MethodDecorator = (target, nameOrContext, descriptor) =>
    tracedFrom(decorate, () => {
      if (typeof nameOrContext === 'object') decorateStandard(record, nameOrContext);
      else decorateLegacy(record, target as object, [nameOrContext, descriptor]);
    });
  return decorate;
}

function decorateStandard(
  record: Omit<HandlerRecord, 'method'>,
  context: StandardMethodContext,
): void {
  const { name, static: isStatic, private: isPrivate, kind } = context;
  const place = isStatic ? 'static' : isPrivate ? 'private' : kind !== 'method' ? `a ${kind}` : '';
  const method = checkPlace({ decorator: record.decorator, name, place });
  // A TC39 decorator does not get the class, and tsc does not set `context.metadata`. So the class is
  // only known once an instance exists.
  context.addInitializer(function (this: unknown) {
    recordHandler(Object.getPrototypeOf(this), { ...record, method });
  });
}

function decorateLegacy(
  record: Omit<HandlerRecord, 'method'>,
  target: object,
  [key, descriptor]: [key: string | symbol | undefined, descriptor: PropertyDescriptor | undefined],
): void {
  const isOfClass = typeof target === 'function';
  const name = key ?? (isOfClass ? target.name : '');
  const isField = typeof key === 'string' && !descriptor && !(key in target);
  const place = key === undefined ? 'a class' : isOfClass ? 'static' : isField ? 'a field' : '';
  const method = checkPlace({ decorator: record.decorator, name, place });
  recordHandler(target, { ...record, method });
}

function checkPlace(found: { decorator: string; name: string | symbol; place: string }): string {
  const { decorator, name, place } = found;
  if (typeof name === 'string' && place === '') return name;
  throw makeError('ERR_HANDLER_PLACE', {
    decorator,
    method: String(name),
    place: place || 'named by a symbol',
  });
}

function recordHandler(prototype: object, record: HandlerRecord): void {
  const others = ownRecords(prototype).filter(
    ({ kind, method }) => kind !== record.kind || method !== record.method,
  );
  Reflect.defineMetadata(HANDLERS, [...others, record], prototype);
}

function ownRecords(prototype: object): readonly HandlerRecord[] {
  return (Reflect.getOwnMetadata(HANDLERS, prototype) as HandlerRecord[] | undefined) ?? [];
}

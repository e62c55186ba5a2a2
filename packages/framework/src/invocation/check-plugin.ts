import { checkOptions, describeValue, option } from '../errors/check-options.js';
import { makeError } from '../errors/gatecast-error.js';

const HOOKS = [
  'setup',
  'onFrame',
  'onConnect',
  'onSubscribe',
  'onUnsubscribe',
  'onMessage',
  'onHistory',
  'onPublish',
  'onDeliver',
  'onDisconnect',
  'onError',
] as const;
const TYPES = {
  name: option.text,
  requires: {
    takes: 'a list of the names of plugins',
    fits: (value: unknown) =>
      Array.isArray(value) && value.every((name) => typeof name === 'string'),
  },
  observesOnly: option.flag,
  ...(Object.fromEntries(HOOKS.map((hook) => [hook, option.callback])) as {
    readonly [K in (typeof HOOKS)[number]]: typeof option.callback;
  }),
};

/**
 * Throws unless a value is a plugin without unknown hooks. A plain object may only have hooks. An
 * instance of a class may have other members, unless their names look like hooks: `onSomething`.
 *
 * @throws ConfigurationError - ERR_PLUGIN_FACTORY, ERR_PLUGIN_HOOK_UNKNOWN, ERR_OPTION_VALUE.
 */
export function checkPlugin(plugin: unknown): void {
  if (typeof plugin === 'function')
    throw makeError('ERR_PLUGIN_FACTORY', { given: describeValue(plugin) });
  if (!isObject(plugin)) {
    throw makeError('ERR_OPTION_VALUE', {
      where: 'The app',
      option: 'plugins',
      given: `a list with ${describeValue(plugin)}`,
      takes: 'a list of plugins',
    });
  }
  const { name } = plugin as { readonly name?: unknown };
  const label = typeof name === 'string' ? name : '';
  const members = membersOf(plugin);
  for (const hook of members) {
    if (Object.hasOwn(TYPES, hook)) continue;
    throw makeError('ERR_PLUGIN_HOOK_UNKNOWN', { plugin: label, hook, known: HOOKS.join(', ') });
  }
  const known = members.map((member) => [member, plugin[member as keyof typeof plugin]]);
  checkOptions(`Plugin "${label}"`, { name: '', ...Object.fromEntries(known) }, TYPES);
}

function isObject(value: unknown): value is object {
  return option.object.fits(value);
}

function membersOf(plugin: object): readonly string[] {
  const prototype: unknown = Object.getPrototypeOf(plugin);
  if (prototype === Object.prototype || prototype === null) return Object.keys(plugin);
  const names = new Set<string>(['name', 'requires', 'observesOnly']);
  for (let at: object | null = plugin; at; at = Object.getPrototypeOf(at) as object | null) {
    for (const member of Object.getOwnPropertyNames(at)) {
      if (member === 'setup' || /^on[A-Z]/.test(member)) names.add(member);
    }
  }
  return [...names];
}

/** Replaces globals; returns what brings the real ones back. */
export function replaceGlobals(values: Readonly<Record<string, unknown>>): () => void {
  const originals = Object.keys(values).map(
    (name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const,
  );
  for (const [name, value] of Object.entries(values)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  return () => {
    for (const [name, descriptor] of originals) {
      if (descriptor) Object.defineProperty(globalThis, name, descriptor);
      else Reflect.deleteProperty(globalThis, name);
    }
  };
}

/** Hears of what nothing else catches, in place of whoever else would hear. */
export function catchEscaped(
  onEscaped: (error: unknown, origin: 'exception' | 'rejection') => void,
): () => void {
  const listeners = {
    uncaughtException: (error: unknown) => onEscaped(error, 'exception'),
    unhandledRejection: (error: unknown) => onEscaped(error, 'rejection'),
  };
  const ends = Object.entries(listeners).map(([event, listener]) => {
    const others = process.rawListeners(event) as ((...args: unknown[]) => void)[];
    process.removeAllListeners(event);
    process.on(event, listener);
    return () => {
      process.off(event, listener);
      for (const other of others) process.on(event, other);
    };
  });
  return () => {
    for (const end of ends) end();
  };
}

type Use = <R extends AsyncDisposable>(part: R) => R;

/** Opens something of several parts, which end with it, the last one first; at once when it cannot be opened. */
export async function assemble<T extends object>(
  open: (use: Use) => Promise<T>,
): Promise<T & AsyncDisposable> {
  const parts: AsyncDisposable[] = [];
  const end = async (): Promise<void> => {
    for (const part of parts.toReversed()) await part[Symbol.asyncDispose]();
  };
  const use: Use = (part) => {
    parts.push(part);
    return part;
  };
  try {
    return Object.assign(await open(use), { [Symbol.asyncDispose]: end });
  } catch (error) {
    await end();
    throw error;
  }
}

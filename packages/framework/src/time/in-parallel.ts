/**
 * Runs some work for each item, a limited number at once. After the first failure no more work is
 * started; work that has started is awaited, and then the failure is thrown. So nothing is still running
 * when it returns.
 *
 * @param atOnce - Most at once; less than 1 counts as 1.
 *
 * @returns The results, in the order of the items.
 */
export async function inParallel<T, R>(
  items: readonly T[],
  atOnce: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results = Array.from<R>({ length: items.length });
  let failure: { readonly error: unknown } | undefined;
  let next = 0;
  const worker = async (): Promise<void> => {
    while (failure === undefined && next < items.length) {
      const index = next;
      next += 1;
      try {
        results[index] = await work(items[index] as T, index);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  const workers = Math.min(atOnce >= 1 ? atOnce : 1, items.length);
  await Promise.all(Array.from({ length: workers }, worker));
  if (failure !== undefined) throw failure.error;
  return results;
}

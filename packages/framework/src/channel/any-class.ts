/** A class, whatever its constructor takes. */
// oxlint-disable-next-line typescript/no-explicit-any -- only `any` fits the parameters of every constructor.
export type AnyClass = new (...args: any[]) => object;

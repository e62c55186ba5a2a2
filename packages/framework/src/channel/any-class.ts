/** A class with any constructor. */
// oxlint-disable-next-line typescript/no-explicit-any -- only `any` accepts every constructor.
export type AnyClass = new (...args: any[]) => object;

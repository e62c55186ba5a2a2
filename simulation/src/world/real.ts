/** The real functions, taken before the world puts its own in their place. */
export const realSetImmediate: typeof setImmediate = globalThis.setImmediate;
export const RealDate: DateConstructor = globalThis.Date;

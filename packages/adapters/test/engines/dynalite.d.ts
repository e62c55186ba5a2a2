declare module 'dynalite' {
  import type { Server } from 'node:http';

  /** A DynamoDB in this process, in memory. */
  const dynalite: (options: { readonly createTableMs: number }) => Server;
  export default dynalite;
}

import { format } from 'node:util';

const levels = { log: 'INFO', info: 'INFO', debug: 'DEBUG', warn: 'WARN', error: 'ERROR' } as const;

/**
 * Has what the console prints say when and in which invocation, as Lambda's text format does
 * (AWS: "Log and monitor Node.js Lambda functions"): time, request id, level and text, with tabs
 * between. The id is `undefined` while the module is loaded.
 */
export function attributeConsole(currentRequestId: () => string | undefined): void {
  for (const [method, level] of Object.entries(levels)) {
    const stream = method === 'warn' || method === 'error' ? process.stderr : process.stdout;
    console[method as keyof typeof levels] = (...values: unknown[]) => {
      const columns = [new Date().toISOString(), currentRequestId(), level, format(...values)];
      stream.write(`${columns.map(String).join('\t')}\n`);
    };
  }
}

import { format } from 'node:util';

const levels = { log: 'INFO', info: 'INFO', debug: 'DEBUG', warn: 'WARN', error: 'ERROR' } as const;

/**
 * Makes the console print lines in Lambda's text format (AWS: "Log and monitor Node.js Lambda
 * functions"): time, request id, level and text, separated by tabs. The id is `undefined` while the
 * module is loaded.
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

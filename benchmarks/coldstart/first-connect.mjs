// A new execution environment: loads a bundle, answers one event, and sends the CPU time of the process.
// `first-connect.mjs BUNDLE EVENT`
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [, , bundle, event] = process.argv;
// Loads the two formats like Lambda's runtime.
const { handler } = bundle.endsWith('.cjs')
  ? createRequire(bundle)(bundle)
  : await import(pathToFileURL(bundle).href);
const context = { awsRequestId: 'first', getRemainingTimeInMillis: () => 29_000 };
const answer = await handler(JSON.parse(event), context);
const { user, system } = process.cpuUsage();
if (answer?.statusCode !== 200)
  throw new Error(`$connect was not accepted: ${JSON.stringify(answer)}`);
process.stdout.write(`\n${JSON.stringify({ cpuMs: (user + system) / 1_000 })}`);
process.exit();

// A program that makes a visit in a thread beside its own, and ends.
import { once } from 'node:events';
import { isMainThread, Worker } from 'node:worker_threads';
import { WebSocket } from 'ws';
import { makeVisit } from '../visit.js';

const args = process.argv.slice(2);
if (isMainThread) await once(new Worker(new URL(import.meta.url), { argv: args }), 'exit');
else await makeVisit({ url: args[0] as string, WebSocket });

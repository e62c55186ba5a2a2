// A program that has nothing to do once its client is closed, which SIGUSR2 tells it to do.
import { WebSocket } from 'ws';
import { createClient } from '../../../src/index.js';

const [, , url, whose] = process.argv as [string, string, string, string];
process.on('SIGUSR2', () => client.close());
const client = createClient({ url, ...(whose === 'ws' && { WebSocket }) });

// A program that makes a visit with the WebSocket of the package ws, and ends.
import { WebSocket } from 'ws';
import { makeVisit } from '../visit.js';

await makeVisit({ url: process.argv[2] as string, WebSocket });

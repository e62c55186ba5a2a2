// A program that makes a visit with the WebSocket that the runtime has, and ends.
import { makeVisit } from '../visit.js';

await makeVisit({ url: process.argv[2] as string });

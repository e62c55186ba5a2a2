// A stand-in for the @connections API, and dynalite, for delivery.mjs, in a separate process.
import http from 'node:http';
import { startDynalite } from './engines.mjs';

const ANSWER_MS = 5;

/** Posts since the last query, by connection, and the time of the last one. */
let taken = new Map();
let lastAt = 0;

function answer(request, response) {
  const id = decodeURIComponent(request.url.split('/').at(-1));
  request.resume();
  request.on('end', () => {
    const status = id.startsWith('gone') ? 410 : id.startsWith('slow') ? 429 : 200;
    if (status === 200) {
      taken.set(id, (taken.get(id) ?? 0) + 1);
      lastAt = Date.now();
    }
    setTimeout(() => {
      response.writeHead(status, { 'content-length': '0' });
      response.end();
    }, ANSWER_MS);
  });
}

const dynamodb = await startDynalite();
const server = http.createServer(answer);
server.listen(0, '127.0.0.1', () => {
  process.send({ port: server.address().port, endpoint: dynamodb.endpoint });
});
process.on('message', () => {
  const doubled = [...taken.values()].filter((count) => count > 1).length;
  process.send({ reached: taken.size, doubled, lastAt });
  taken = new Map();
});
process.on('disconnect', () => process.exit());

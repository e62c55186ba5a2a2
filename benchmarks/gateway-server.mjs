// One of the servers that gateway.mjs compares, in a separate process to measure its memory. It sends its
// URL, and then its memory on request. It ends with its parent process.
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

async function startGatecast(serial) {
  const { startGateway } = await import('@gatecast/local');
  return startGateway({
    entry: fileURLToPath(new URL('gateway-echo.mjs', import.meta.url)),
    routes: [
      { routeKey: '$connect' },
      { routeKey: '$disconnect' },
      { routeKey: '$default', twoWay: true },
    ],
    quirks: { serial },
  });
}

const servers = {
  gatecast: () => startGatecast(false),
  'gatecast, serial': () => startGatecast(true),
  async ws() {
    const { WebSocketServer } = await import('ws');
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    server.on('connection', (webSocket) => {
      webSocket.on('message', (data) => webSocket.send(data, { binary: false }));
    });
    await once(server, 'listening');
    return { url: `ws://127.0.0.1:${server.address().port}`, close: async () => server.close() };
  },
};

const { url, close } = await servers[process.argv[2]]();
process.on('disconnect', () => void close().finally(() => process.exit()));
process.on('message', () => {
  globalThis.gc();
  process.send({ bytes: process.memoryUsage.rss() });
});
process.send({ url });

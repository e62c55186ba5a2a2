// The gateway of ../soak.mjs, in a process of its own, so that its memory can be told apart.
import { startGateway } from '../../packages/local/dist/index.js';

const [entry] = process.argv.slice(2);
const gateway = await startGateway({
  entry,
  routes: ['$connect', '$disconnect', { routeKey: '$default', twoWay: true }],
  watch: true,
  quiet: true,
  timeoutMs: 5_000,
  onReload: (event) => process.send({ type: event.type, message: event.error?.message }),
});

const requests = {
  fault: ({ fault }) => gateway.faults.add(fault),
  memory() {
    for (let pass = 0; pass < 3; pass += 1) globalThis.gc();
    const { heapUsed, external, rss } = process.memoryUsage();
    process.send({ type: 'memory', usedMb: (heapUsed + external) / 1e6, rssMb: rss / 1e6 });
  },
  /** The process has to end by itself. */
  async close() {
    await gateway.close();
    process.disconnect();
  },
};
process.on('message', (request) => void requests[request.type](request));
process.send({ type: 'open', url: gateway.url, port: gateway.port });

// C6, C7: posts are signed for the Region of the endpoint, even if the function has another one, and
// permanent failures are tried once.
import dns from 'node:dns';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:https';
import { createPublisher, memoryStore } from '@gatecast/framework';
import { generate } from 'selfsigned';
import { check, finish, listen, listener, row, setEnvironment } from './lib.mjs';

const address = { apiId: 'abc', stage: 'prod', region: 'us-east-1' };
const host = 'abc.execute-api.us-east-1.amazonaws.com';
const keys = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' };

/**
 * Publishes to one subscriber. Returns the result or the error of publish(), and the errors of onError.
 */
async function publish(variables) {
  setEnvironment({ AWS_REGION: 'eu-west-1', ...variables });
  const store = memoryStore();
  await store.connections.connect(row('c', address), ['rooms/1']);
  const codes = [];
  const publisher = createPublisher({ store, plugins: [listener(codes)] });
  const startedAt = performance.now();
  const outcome = await publisher
    .channel('rooms/1')
    .publish('m', 1)
    .catch((error) => error);
  return {
    ...outcome,
    code: outcome.code,
    codes,
    seconds: (performance.now() - startedAt) / 1_000,
  };
}

let requests = 0;
const plain = createHttpServer((request, response) => {
  requests += 1;
  response.end();
});
const unsigned = await publish({
  GATECAST_ENDPOINT: `http://127.0.0.1:${await listen(plain)}/prod`,
});
check(
  unsigned.delivery?.failed === 1 && requests === 0 && unsigned.seconds < 3,
  `without keys: ${JSON.stringify(unsigned.delivery)}, ${requests} requests, ${unsigned.seconds} s`,
);
check(
  String(unsigned.codes) === 'ERR_DELIVERY_CREDENTIALS',
  `without keys: onError got ${unsigned.codes}`,
);

for (const endpoint of [`${host}/prod`, `wss://${host}/prod`]) {
  const { code } = await publish({ GATECAST_ENDPOINT: endpoint, ...keys });
  check(code === 'ERR_ENDPOINT_INVALID', `${endpoint}: publish() ended with ${code}`);
}

// The endpoint's host name resolves to this process.
const { lookup } = dns;
dns.lookup = (name, ...rest) => lookup(name === host ? '127.0.0.1' : name, ...rest);
const { private: key, cert } = await generate([{ name: 'commonName', value: host }]);
const scopes = [];
const secure = createServer({ key, cert }, (request, response) => {
  scopes.push(/Credential=[^/]+\/\d+\/([^,]+)/.exec(request.headers.authorization)?.[1]);
  response.end();
});
const endpoint = `https://${host}:${await listen(secure)}/prod`;
const signed = await publish({
  GATECAST_ENDPOINT: endpoint,
  NODE_TLS_REJECT_UNAUTHORIZED: '0',
  ...keys,
});
check(signed.delivery?.delivered === 1, `over TLS: ${JSON.stringify(signed.delivery)}`);
check(
  scopes.join() === 'us-east-1/execute-api/aws4_request',
  `an endpoint in us-east-1, a function in eu-west-1: signed for ${scopes.join()}`,
);
finish();

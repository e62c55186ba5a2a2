import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Credentials } from '../../gateway/access/credentials.js';
import { senderOf } from '../../gateway/access/sender.js';
import { verifySignature } from '../../gateway/access/signature.js';
import { isLocalHost } from '../../gateway/http/local-host.js';
import { readBody } from '../../gateway/http/read-body.js';
import { checkCall } from './check-call.js';
import { queueUrlsIn } from './queue-urls.js';
import { refuse, type ServiceError } from './refusal.js';
import {
  ENDPOINT_VARIABLES,
  formOf,
  type MissingPart,
  probableForm,
  readCall,
  SERVICES,
  type ServiceName,
} from './service-request.js';
import { type PassedRequest, Upstreams } from './upstream.js';

/** The largest request of DynamoDB, `BatchWriteItem`, in bytes (AWS: "Quotas in Amazon DynamoDB"). */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** The endpoints of a function's services. */
export type Endpoints = Readonly<Partial<Record<ServiceName, string>>>;

/** A function whose calls are recorded. */
export interface RecordedFunction {
  readonly functionArn: string;
  readonly endpoints: Endpoints;
}

/** Stands before the services that functions call, and lets through what IAM would. */
export interface Recorder extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  /** Registers a function by its access key: its calls are passed on to its endpoints. */
  register(accessKeyId: string, recorded: RecordedFunction): void;
}

/** Starts a recorder for the owners of these keys, on a free port of this machine. */
export async function openRecorder(credentials: Credentials): Promise<Recorder> {
  const upstreams = new Upstreams();
  const functions = new Map<string, RecordedFunction>();
  const state = { credentials, upstreams, functions };
  const server = createServer((request, response) => void answer(state, request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    register: (accessKeyId, recorded) => void functions.set(accessKeyId, recorded),
    [Symbol.asyncDispose]: async () => {
      const closed = once(server.close(), 'close');
      server.closeAllConnections();
      upstreams[Symbol.dispose]();
      await closed;
    },
  };
}

/** What a recorder answers with. */
interface State {
  readonly credentials: Credentials;
  readonly upstreams: Upstreams;
  /** By access key id. */
  readonly functions: ReadonlyMap<string, RecordedFunction>;
}

async function answer(
  state: State,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const read = await readBody(incoming, MAX_BODY_BYTES);
  if (read.type === 'cut off') return;
  const { method = '', url = '', headers } = incoming;
  const body = read.type === 'whole' ? read.body : Buffer.alloc(0);
  const signed = { method, url, headers, body };
  const probable = probableForm(signed);
  if (read.type === 'too large') return refuse(response, probable, tooLarge);
  // A page always has an origin, and after DNS rebinding a host of its own.
  if (!isLocalHost(headers.host) || headers.origin !== undefined) {
    return refuse(response, probable, notLocal);
  }
  const verification = await verifySignature(signed, state.credentials, { services: SERVICES });
  if (!verification.isValid) {
    const { errorType: type, message } = verification;
    return refuse(response, probable, { type, message });
  }
  const { credential, scope } = verification;
  const service = scope.service as ServiceName;
  const form = formOf(signed, service);
  const call = readCall(signed, form);
  if (typeof call === 'string') return refuse(response, form, WITHOUT[call]);
  const { functionArn, endpoints } = state.functions.get(credential.accessKeyId) ?? {};
  const endpoint = endpoints?.[service];
  const signer = { caller: credential, region: scope.region, functionArn, ...senderOf(incoming) };
  const change = queueUrlsIn(form, call.operation, `http://${headers.host}`);
  const error =
    (await checkCall(state.credentials.permissions, { ...signer, call, endpoint })) ??
    (await passOn(state, { service, endpoint, passed: { request: signed, response, change } }));
  if (error && !response.destroyed) refuse(response, form, error);
}

const tooLarge: ServiceError = {
  type: 'SerializationException',
  message: `The request is larger than ${MAX_BODY_BYTES} bytes.`,
  status: 413,
};
// What cannot be read here is not passed on: the service might read it, as other encodings of JSON.
const WITHOUT: Readonly<Record<MissingPart, ServiceError>> = {
  operation: { type: 'UnknownOperationException', message: '', status: 400 },
  input: { type: 'SerializationException', message: '', status: 400 },
};
const notLocal: ServiceError = {
  type: 'AccessDeniedException',
  message: 'The local gateway only answers to functions of this machine.',
  status: 403,
};

async function passOn(
  { upstreams }: State,
  exchange: {
    readonly service: ServiceName;
    readonly endpoint: string | undefined;
    readonly passed: PassedRequest;
  },
): Promise<ServiceError | undefined> {
  const { service, endpoint, passed } = exchange;
  const variable = ENDPOINT_VARIABLES[service];
  if (endpoint === undefined) {
    return unavailable(`The function has no endpoint of ${service}. Set ${variable}.`);
  }
  try {
    await upstreams.pass(endpoint, passed);
    return undefined;
  } catch (error) {
    const problem = `There is no ${service} at "${endpoint}": ${(error as Error).message}.`;
    return unavailable(`${problem} Start it, or correct ${variable}.`);
  }
}

/** Clients try again. */
function unavailable(message: string): ServiceError {
  return { type: 'ServiceUnavailable', message, status: 503 };
}

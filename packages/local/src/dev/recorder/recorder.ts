import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { partitionOf } from '@gatecast/framework/adapter';
import type { Credential, Credentials } from '../../gateway/access/credentials.js';
import { senderOf } from '../../gateway/access/sender.js';
import { type SignedRequest, verifySignature } from '../../gateway/access/signature.js';
import { isLocalHost } from '../../gateway/http/local-host.js';
import { readBody } from '../../gateway/http/read-body.js';
import { roleKeys } from '../../iam/keys.js';
import { needsOfCall } from './needs-of-call.js';
import { accessDenied, refuse, type ServiceError } from './refusal.js';
import {
  guessedService,
  readServiceRequest,
  SERVICES,
  type ServiceName,
  type ServiceRequest,
} from './service-request.js';
import { Upstreams } from './upstream.js';

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
  /** Passes on what is signed with a key to the endpoints of a function. */
  lead(credential: Credential, to: RecordedFunction): void;
}

export interface RecorderOptions {
  readonly credentials: Credentials;
  readonly accountId: string;
}

/** Starts a recorder on a free port of this machine. */
export async function openRecorder(options: RecorderOptions): Promise<Recorder> {
  const upstreams = new Upstreams();
  const functions = new Map<string, RecordedFunction>();
  const desk = { ...options, upstreams, functions };
  const server = createServer((request, response) => void answer(desk, request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lead: ({ accessKeyId }, to) => void functions.set(accessKeyId, to),
    [Symbol.asyncDispose]: async () => {
      const closed = once(server.close(), 'close');
      server.closeAllConnections();
      upstreams[Symbol.dispose]();
      await closed;
    },
  };
}

interface Desk extends RecorderOptions {
  readonly upstreams: Upstreams;
  /** By access key id. */
  readonly functions: ReadonlyMap<string, RecordedFunction>;
}

async function answer(
  desk: Desk,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const read = await readBody(incoming, MAX_BODY_BYTES);
  if (read.type === 'cut off') return;
  const { method = '', url = '', headers } = incoming;
  const body = read.type === 'whole' ? read.body : Buffer.alloc(0);
  const signed = { method, url, headers, body };
  const guessed = readServiceRequest(signed, guessedService(signed));
  if (read.type === 'too large') return refuse(response, guessed, tooLarge);
  // A page always has an origin, and after DNS rebinding a host of its own.
  if (!isLocalHost(headers.host) || headers.origin !== undefined) {
    return refuse(response, guessed, notLocal);
  }
  const verification = await verifySignature(signed, desk.credentials, { services: SERVICES });
  if (!verification.isValid) {
    const { errorType: type, message } = verification;
    return refuse(response, guessed, { type, message });
  }
  const { credential, scope } = verification;
  const service = scope.service as ServiceName;
  const { functionArn, endpoints } = desk.functions.get(credential.accessKeyId) ?? {};
  const signer = { credential, region: scope.region, functionArn, endpoint: endpoints?.[service] };
  const request = readServiceRequest(signed, service);
  const error =
    (await problemWith(desk, { request, signer, incoming })) ??
    (await passOn(desk, { service, endpoint: signer.endpoint, signed, response }));
  if (error && !response.destroyed) refuse(response, request, error);
}

const tooLarge: ServiceError = {
  type: 'SerializationException',
  message: `The request is larger than ${MAX_BODY_BYTES} bytes.`,
  status: 413,
};
const notLocal: ServiceError = {
  type: 'AccessDeniedException',
  message: 'The local gateway only answers to functions of this machine.',
  status: 403,
};

/** The function that signed a request. */
interface Signer {
  readonly credential: Credential;
  /** The Region of the signature. */
  readonly region: string;
  readonly functionArn: string | undefined;
  /** Of the service that the signature is for. */
  readonly endpoint: string | undefined;
}

/** The error for a call that the role of its signer does not allow. */
async function problemWith(
  { credentials, accountId }: Desk,
  {
    request: { call },
    signer,
    incoming,
  }: {
    readonly request: ServiceRequest;
    readonly signer: Signer;
    readonly incoming: IncomingMessage;
  },
): Promise<ServiceError | undefined> {
  if (call === undefined) return { type: 'UnknownOperationException', message: '', status: 400 };
  const { credential, region, functionArn, endpoint } = signer;
  const { role } = credential;
  if (role === undefined) return undefined;
  const session = { roleArn: role.arn, region, functionArn, now: Date.now() };
  const common = roleKeys({ ...session, ...senderOf(incoming) });
  const place = { partition: partitionOf(region).name, region, accountId };
  const needs = await needsOfCall({ call, role, place, endpoint });
  // All are checked, so that all that is missing is said at once.
  const errors = needs.map((need) => {
    const needed = { ...need, keys: new Map([...common, ...need.keys]) };
    const decision = credentials.permissions.check(credential, needed);
    return decision.isAllowed ? undefined : accessDenied(credential, needed, decision);
  });
  return errors.find((error) => error !== undefined);
}

async function passOn(
  { upstreams }: Desk,
  exchange: {
    readonly service: ServiceName;
    readonly endpoint: string | undefined;
    readonly signed: SignedRequest;
    readonly response: ServerResponse;
  },
): Promise<ServiceError | undefined> {
  const { service, endpoint, signed, response } = exchange;
  if (endpoint === undefined) return unavailable(`The function has no endpoint of ${service}.`);
  try {
    await upstreams.pass(endpoint, signed, response);
    return undefined;
  } catch (error) {
    return unavailable(`There is no ${service} at "${endpoint}": ${(error as Error).message}`);
  }
}

/** Clients try again. */
function unavailable(message: string): ServiceError {
  return { type: 'ServiceUnavailable', message, status: 503 };
}

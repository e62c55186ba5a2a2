import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { partitionOf } from '@gatecast/framework/adapter';
import type { Credential, Credentials } from '../../gateway/access/credentials.js';
import { senderOf } from '../../gateway/access/sender.js';
import { type SignedRequest, verifySignature } from '../../gateway/access/signature.js';
import { isLocalHost } from '../../gateway/http/local-host.js';
import { readBody } from '../../gateway/http/read-body.js';
import { conditionKeys } from '../../iam/conditions.js';
import { needsOf } from '../../iam/needs/needs.js';
import { accessDenied, refuse, type ServiceError, unknownNeeds } from './refusal.js';
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

/** Stands before the services that functions call, and lets through what IAM would. */
export interface Recorder extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  /** Passes on what is signed with a key to these endpoints. */
  lead(credential: Credential, endpoints: Endpoints): void;
}

export interface RecorderOptions {
  readonly credentials: Credentials;
  readonly accountId: string;
}

/** Starts a recorder on a free port of this machine. */
export async function openRecorder(options: RecorderOptions): Promise<Recorder> {
  const upstreams = new Upstreams();
  const endpoints = new Map<string, Endpoints>();
  const desk = { ...options, upstreams, endpoints };
  const server = createServer((request, response) => void answer(desk, request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lead: ({ accessKeyId }, own) => void endpoints.set(accessKeyId, own),
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
  readonly endpoints: ReadonlyMap<string, Endpoints>;
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
  const request = readServiceRequest(signed, scope.service as ServiceName);
  const signer = { credential, region: scope.region, incoming };
  const error =
    problemWith(desk, request, signer) ??
    (await passOn(desk, credential, { request, signed, response }));
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

/** The error for a call that the role of its signer does not allow. */
function problemWith(
  { credentials, accountId }: Desk,
  { call }: ServiceRequest,
  signer: {
    readonly credential: Credential;
    readonly region: string;
    readonly incoming: IncomingMessage;
  },
): ServiceError | undefined {
  if (call === undefined) return { type: 'UnknownOperationException', message: '', status: 400 };
  const { credential, region, incoming } = signer;
  const place = { partition: partitionOf(region).name, region, accountId };
  const common = conditionKeys({ now: Date.now(), ...senderOf(incoming) });
  const needs = needsOf(call, place);
  if (needs === undefined) return unknownNeeds(credential, call);
  for (const { action, resource } of needs) {
    const request = { action, resource, keys: common };
    const decision = credentials.permissions.check(credential, request);
    if (!decision.isAllowed) return accessDenied(credential, { action, resource }, decision);
  }
  return undefined;
}

async function passOn(
  { endpoints, upstreams }: Desk,
  { accessKeyId }: Credential,
  exchange: { request: ServiceRequest; signed: SignedRequest; response: ServerResponse },
): Promise<ServiceError | undefined> {
  const { request, signed, response } = exchange;
  const { service } = request;
  const endpoint = endpoints.get(accessKeyId)?.[service];
  if (endpoint === undefined) {
    return unavailable(`The function has no endpoint of ${service}.`);
  }
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

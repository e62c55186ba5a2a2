import { once } from 'node:events';
import { Agent } from 'node:https';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GetConnectionCommand,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import { describe, expect, it, vi } from 'vitest';
import type { Credential } from '../src/credentials.js';
import { type LocalApi, openLocalApi } from './local-api.js';
import { Peer } from './peer.js';
import { signedHeaders } from './signed-headers.js';

// Node 20 is what this package supports, whatever the SDK says about it.
vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');

function sdkClient(api: LocalApi, options: { readonly isSecure?: boolean } = {}) {
  const { endpoint, certificate, credentials } = api.gateway;
  return new ApiGatewayManagementApiClient({
    endpoint: options.isSecure ? endpoint.replace('http:', 'https:') : endpoint,
    region: 'us-east-1',
    credentials: credentials.issue('a test'),
    maxAttempts: 1,
    requestHandler: { httpsAgent: new Agent({ ca: certificate }) },
  });
}

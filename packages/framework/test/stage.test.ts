import { ApiGatewayManagementApiClient } from '@aws-sdk/client-apigatewaymanagementapi';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { addressOfEndpoint, endpointUrl, readEndpoint } from '../src/deliver/apigw/endpoint.js';
import type { Gateway } from '../src/deliver/gateway.js';
import { Stages } from '../src/deliver/stage.js';

const EVENT = { apiId: 'abc123', stage: 'prod', region: 'eu-west-1' };
const OWN_URL = 'https://abc123.execute-api.eu-west-1.amazonaws.com/prod';
let shared = 0;
const gateway: Gateway = {
  post: async () => ({ result: 'delivered' }),
  disconnect: async () => ({ result: 'delivered' }),
};

beforeEach(() => {
  for (const name of [
    'GATECAST_ENDPOINT',
    'AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI',
    'GATECAST_API_ID',
    'GATECAST_STAGE',
    'GATECAST_REGION',
    'GATECAST_POSTS_PER_SECOND',
  ])
    vi.stubEnv(name, '');
  vi.stubEnv('AWS_REGION', 'eu-west-1');
  vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');
});

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('an endpoint', () => {
  it.each([
    ['us-east-1', 'amazonaws.com'],
    ['ap-southeast-7', 'amazonaws.com'],
    ['cn-north-1', 'amazonaws.com.cn'],
    ['cn-northwest-1', 'amazonaws.com.cn'],
    ['us-gov-west-1', 'amazonaws.com'],
    ['us-iso-east-1', 'c2s.ic.gov'],
    ['us-isob-east-1', 'sc2s.sgov.gov'],
    ['eu-isoe-west-1', 'cloud.adc-e.uk'],
    ['us-isof-south-1', 'csp.hci.ic.gov'],
    ['eusc-de-east-1', 'amazonaws.eu'],
  ])('C6 in %s has the suffix %s, like in the AWS SDK', (region, suffix) => {
    const address = { apiId: 'abc123', stage: 'prod', region };
    const url = endpointUrl(address);
    expect(url).toBe(`https://abc123.execute-api.${region}.${suffix}/prod`);
    expect(readEndpoint(url)).toMatchObject({ region, basePath: '/prod', port: 443 });
    expect(addressOfEndpoint(readEndpoint(url))).toEqual(address);
    const { config } = new ApiGatewayManagementApiClient({ region });
    const known = config.endpointProvider({ Region: region, UseFIPS: false, UseDualStack: false });
    expect(known.url.hostname).toBe(`execute-api.${region}.${suffix}`);
  });

  it.each([
    ['abc.execute-api.eu-west-1.amazonaws.com/prod', 'is not a URL'],
    ['wss://abc.execute-api.eu-west-1.amazonaws.com/prod', 'is not an http or https URL'],
    ['localhost:3000/dev', 'is not an http or https URL'],
    ['https://', 'is not a URL'],
    ['https://abc.execute-api.eu-west-1.amazonaws.com', 'lacks the stage'],
    ['https://abc.execute-api.eu-west-1.amazonaws.com/', 'lacks the stage'],
    ['https://ws.example.com/?stage=prod', 'has a query string or a fragment'],
    ['https://ann:secret@ws.example.com/', 'contains a user name'],
  ])('C7 "%s" is refused at once: it %s', (text, problem) => {
    vi.stubEnv('GATECAST_ENDPOINT', text);
    const refusal = expect.objectContaining({
      name: 'ConfigurationError',
      code: 'ERR_ENDPOINT_INVALID',
      message: expect.stringContaining(problem) as string,
    }) as Error;
    expect(() => new Stages().of(EVENT)).toThrow(refusal);
    expect(() => new Stages().of(EVENT)).not.toThrow('secret');
  });

  it.each([
    [
      'http://[::1]:3000/dev/',
      { hostname: '::1', port: 3000, host: '[::1]:3000', basePath: '/dev' },
    ],
    ['https://ws.example.com', { hostname: 'ws.example.com', port: 443, basePath: '' }],
    ['https://ws.example.com//a//b/', { basePath: '/a/b', url: 'https://ws.example.com/a/b' }],
    [
      'https://abc.execute-api-fips.us-gov-west-1.amazonaws.com/prod',
      { region: 'us-gov-west-1', basePath: '/prod' },
    ],
  ])('%s is taken', (text, parts) => {
    expect(readEndpoint(text)).toMatchObject(parts);
  });

  it('C6 is not known without an event or without a Region', () => {
    const unknown = expect.objectContaining({ code: 'ERR_ENDPOINT_UNKNOWN' }) as Error;
    expect(() => new Stages().of()).toThrow(unknown);
    expect(() => new Stages().of({ ...EVENT, region: '' })).toThrow(unknown);
    vi.stubEnv('AWS_REGION', '');
    vi.stubEnv('GATECAST_ENDPOINT', 'https://ws.example.com');
    expect(() => new Stages().of(EVENT)).toThrow(
      expect.objectContaining({ code: 'ERR_REGION_UNKNOWN' }) as Error,
    );
  });

  it('is shared by everything that posts to it from one environment', () => {
    const address = { ...EVENT, apiId: `shared${(shared += 1)}` };
    const stages = new Stages();
    const { poster } = stages.of(address);
    expect(stages.of(address)).toBe(stages.of(address));
    expect(new Stages().of(address).poster).toBe(poster);
    expect(stages.of({ ...address, stage: 'dev' }).poster).not.toBe(poster);
    expect(poster.endpoint).toBe(endpointUrl(address));
  });

  it('is not shared with others if it has credentials of its own', () => {
    const credentials = async () => ({ accessKeyId: 'A', secretAccessKey: 'S' });
    const own = new Stages({ credentials });
    expect(own.of(EVENT).poster).toBe(own.of(EVENT).poster);
    expect(own.of(EVENT).poster).not.toBe(new Stages().of(EVENT).poster);
    expect(own.of(EVENT).poster).not.toBe(new Stages({ credentials }).of(EVENT).poster);
  });

  it("is one for each of the app's own gateways", () => {
    const own = { ...gateway };
    const { poster } = new Stages({ gateway: own }).of(EVENT);
    expect(poster.endpoint).toBe("the app's own gateway");
    expect(new Stages({ gateway: own }).of().poster).toBe(poster);
    expect(new Stages({ gateway }).of().poster).not.toBe(poster);
  });

  it.each([
    ['that of a Region', 'eu-west-1', '', 800],
    ['that of a smaller Region', 'eu-south-1', '', 200],
    ['that of a Region that is not known', '', '', 800],
    ['that of the environment', 'eu-west-1', '50', 5],
    ['one, the lowest', 'eu-west-1', '1', 1],
  ])('gets a tenth of its posts per second at once: %s', async (_what, region, text, count) => {
    vi.useFakeTimers();
    vi.stubEnv('AWS_REGION', region);
    vi.stubEnv('GATECAST_POSTS_PER_SECOND', text);
    const post = vi.fn(async () => ({ result: 'delivered' }) as const);
    const { poster } = new Stages({ gateway: { ...gateway, post } }).of();
    for (let index = 0; index < 1_000; index += 1) void poster.post('c', 'x', { limit: {} });
    await vi.advanceTimersByTimeAsync(0);
    expect(post).toHaveBeenCalledTimes(count);
    vi.useRealTimers();
  });

  it.each(['0', '-1', '1.5', 'fast', 'Infinity'])(
    'K2 refuses a GATECAST_POSTS_PER_SECOND of %s',
    (value) => {
      vi.stubEnv('GATECAST_POSTS_PER_SECOND', value);
      const address = { ...EVENT, apiId: `rate${(shared += 1)}` };
      expect(() => new Stages().of(address)).toThrow(
        expect.objectContaining({
          code: 'ERR_OPTION_VALUE',
          message: `The environment was given "${value}" as "GATECAST_POSTS_PER_SECOND".`,
        }) as Error,
      );
    },
  );
});

describe('the address of the stage, and whether it may prune', () => {
  it.each([
    ['built from the event', {}, {}, EVENT, EVENT, true],
    ['given by an endpoint of that stage', { GATECAST_ENDPOINT: OWN_URL }, {}, EVENT, EVENT, true],
    ['read from the endpoint', { GATECAST_ENDPOINT: OWN_URL }, {}, undefined, EVENT, true],
    [
      'contradicted by the endpoint of another stage',
      { GATECAST_ENDPOINT: OWN_URL.replace('prod', 'dev') },
      {},
      EVENT,
      EVENT,
      false,
    ],
    [
      'behind a custom domain',
      { GATECAST_ENDPOINT: 'https://ws.example.com' },
      {},
      EVENT,
      EVENT,
      false,
    ],
    [
      'behind a custom domain, and named',
      {
        GATECAST_ENDPOINT: 'https://ws.example.com',
        GATECAST_API_ID: 'abc123',
        GATECAST_STAGE: 'prod',
      },
      {},
      EVENT,
      EVENT,
      true,
    ],
    [
      'named only',
      {
        GATECAST_ENDPOINT: 'https://ws.example.com',
        GATECAST_API_ID: 'abc123',
        GATECAST_STAGE: 'prod',
      },
      {},
      undefined,
      EVENT,
      true,
    ],
    [
      'not known behind a custom domain',
      { GATECAST_ENDPOINT: 'https://ws.example.com' },
      {},
      undefined,
      undefined,
      false,
    ],
    ['an option', {}, { address: EVENT }, undefined, EVENT, true],
    [
      'an option behind a custom domain',
      { GATECAST_ENDPOINT: 'https://ws.example.com' },
      { address: EVENT },
      undefined,
      EVENT,
      false,
    ],
    ["of an event at an app's own gateway", {}, { gateway }, EVENT, EVENT, true],
    [
      "an option beside an app's own gateway",
      {},
      { gateway, address: EVENT },
      undefined,
      EVENT,
      true,
    ],
    ["not known at an app's own gateway", {}, { gateway }, undefined, undefined, false],
    [
      "not that of the endpoint at an app's own gateway",
      { GATECAST_ENDPOINT: OWN_URL },
      { gateway },
      undefined,
      undefined,
      false,
    ],
  ] as const)('C2 %s', (_case, environment, options, event, address, mayPrune) => {
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    const stage = new Stages(options).of(event);
    expect(stage.address).toEqual(address);
    expect(stage.mayPrune).toBe(mayPrune);
  });

  it.each([
    [
      { GATECAST_API_ID: 'abc123', GATECAST_STAGE: 'prod' },
      { ...EVENT, region: '' },
    ],
    [{ GATECAST_API_ID: 'abc123' }, undefined],
    [{ GATECAST_STAGE: 'prod' }, undefined],
  ])('C2 is named by both its API and its stage, even without a Region: %o', (names, address) => {
    vi.stubEnv('AWS_REGION', '');
    for (const [name, value] of Object.entries(names)) vi.stubEnv(name, value);
    expect(new Stages({ gateway }).of().address).toEqual(address);
  });

  it('C2 has the Region of the endpoint if that names one', () => {
    vi.stubEnv('GATECAST_API_ID', 'abc123');
    vi.stubEnv('GATECAST_STAGE', 'prod');
    vi.stubEnv('GATECAST_REGION', 'us-east-1');
    vi.stubEnv('GATECAST_ENDPOINT', 'https://ws.example.com');
    expect(new Stages().of().address).toEqual({ ...EVENT, region: 'us-east-1' });
  });
});

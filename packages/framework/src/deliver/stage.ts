import { makeError } from '../errors/gatecast-error.js';
import type { CredentialSource } from './apigw/credentials.js';
import {
  addressOfEndpoint,
  endpointOfEnvironment,
  endpointUrl,
  isSameStage,
  readEndpoint,
  regionOfEnvironment,
  type StageAddress,
} from './apigw/endpoint.js';
import { connectionsGateway } from './apigw/post.js';
import { postsPerSecondOf } from './apigw/regions.js';
import type { Gateway } from './gateway.js';
import { Poster } from './poster.js';

/** A stage to post to. */
export interface Stage {
  /** The stage's address; connections of other stages are ignored. `undefined` if it is not known. */
  readonly address: StageAddress | undefined;
  /** Whether a connection may be removed because it answered 410. */
  readonly mayPrune: boolean;
  readonly poster: Poster;
}

/** Options of {@link Stages}. */
export interface StagesOptions {
  /** The app's own gateway. @default Gatecast's client of the `@connections` API */
  readonly gateway?: Gateway;
  /**
   * The address of the stage, outside of any event. @default read from the endpoint or the environment
   */
  readonly address?: StageAddress;
  /** Credentials to sign posts with. @default those of the environment */
  readonly credentials?: CredentialSource;
}

// One poster for each endpoint, so that all publishes of this environment share its sockets, window and
// pace.
const posters = new Map<string, Poster>();
const postersOfGateways = new WeakMap<Gateway, Poster>();

/** Finds the stage of an event, or the one in the environment. */
export class Stages {
  readonly #options: StagesOptions;
  readonly #known = new Map<string, Stage>();
  readonly #posters: Map<string, Poster>;

  constructor(options: StagesOptions = {}) {
    this.#options = options;
    // With credentials of its own, it does not share posters with others.
    this.#posters = options.credentials ? new Map() : posters;
  }

  /**
   * The stage of an event; without an event, the stage in the options or the environment.
   *
   * @throws ConfigurationError - ERR_ENDPOINT_UNKNOWN, ERR_ENDPOINT_INVALID, ERR_REGION_UNKNOWN;
   * ERR_OPTION_VALUE, for GATECAST_POSTS_PER_SECOND.
   */
  of(event?: StageAddress): Stage {
    const key = event ? `${event.apiId}/${event.stage}/${event.region}` : '';
    const stage = this.#known.get(key) ?? this.#make(event);
    this.#known.set(key, stage);
    return stage;
  }

  /**
   * The address of that stage, for callers that do not post; `undefined` if it is not known.
   *
   * @throws ConfigurationError - ERR_ENDPOINT_INVALID, ERR_REGION_UNKNOWN, without an event.
   */
  address(event?: StageAddress): StageAddress | undefined {
    const { gateway, address: option } = this.#options;
    const given = event ?? option;
    if (given) return given;
    const text = gateway ? undefined : endpointOfEnvironment();
    if (text === undefined) return addressOfEnvironment();
    const endpoint = readEndpoint(text);
    return addressOfEndpoint(endpoint) ?? addressOfEnvironment(endpoint.region);
  }

  #make(event: StageAddress | undefined): Stage {
    const { gateway, address: option, credentials } = this.#options;
    const address = this.address(event);
    if (gateway) {
      const mayPrune = event !== undefined || option !== undefined;
      return { address, mayPrune, poster: posterOfGateway(gateway) };
    }
    const endpoint = readEndpoint(endpointOfEnvironment() ?? endpointUrl(address));
    const proofs = [addressOfEndpoint(endpoint), addressOfEnvironment(endpoint.region)];
    const mayPrune =
      address !== undefined && proofs.some((proof) => proof && isSameStage(proof, address));
    let poster = this.#posters.get(endpoint.url);
    if (!poster) {
      const api = connectionsGateway(endpoint, credentials);
      poster = new Poster(api, {
        endpoint: endpoint.url,
        perSecond: postsPerSecond(endpoint.region),
      });
      this.#posters.set(endpoint.url, poster);
    }
    return { address, mayPrune, poster };
  }
}

function posterOfGateway(gateway: Gateway): Poster {
  const known = postersOfGateways.get(gateway);
  if (known) return known;
  const perSecond = postsPerSecond(regionOfEnvironment() ?? '');
  const poster = new Poster(gateway, { endpoint: "the app's own gateway", perSecond });
  postersOfGateways.set(gateway, poster);
  return poster;
}

/** The stage in GATECAST_API_ID and GATECAST_STAGE. */
function addressOfEnvironment(region = regionOfEnvironment() ?? ''): StageAddress | undefined {
  const { GATECAST_API_ID: apiId, GATECAST_STAGE: stage } = process.env;
  return apiId && stage ? { apiId, stage, region } : undefined;
}

function postsPerSecond(region: string): number {
  const text = process.env['GATECAST_POSTS_PER_SECOND'];
  if (!text) return postsPerSecondOf(region);
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw makeError('ERR_OPTION_VALUE', {
    where: 'The environment',
    option: 'GATECAST_POSTS_PER_SECOND',
    given: `"${text}"`,
    takes: 'a whole number of 1 or more',
  });
}

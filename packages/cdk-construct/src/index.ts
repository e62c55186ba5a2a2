export { AlarmOptions } from './alarms';
export { Authorizer } from './authorizer';
export { ConnectionWrites } from './direct-writes';
export { DomainOptions } from './domain';
export { GatecastApi } from './gatecast-api';
export { HandlerOptions } from './handler';
export { GatecastApiProps } from './props';
export { RouteManifest } from './route-manifest';
export { DynamoDbStoreOptions, RedisStoreOptions, Store } from './store';

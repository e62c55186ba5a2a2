/**
 * A store in Redis, Valkey, ElastiCache or MemoryDB. Needs `ioredis` to be installed.
 *
 * @module @gatecast/adapters/redis
 */

export type { RedisStoreOptions } from './redis-store.js';
export { redisStore } from './redis-store.js';

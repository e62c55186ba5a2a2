/**
 * Schemas of class-validator classes. Needs `class-validator` and `class-transformer` to be installed.
 *
 * @module @gatecast/framework/class-validator
 */

import type { StandardSchemaV1 } from '@standard-schema/spec';
import { plainToInstance } from 'class-transformer';
import { getMetadataStorage, type ValidationError, validate } from 'class-validator';
import { makeError } from './errors/gatecast-error.js';

/** A class whose properties carry class-validator's decorators. */
export type DtoClass<T extends object> = new () => T;

/**
 * Makes a schema of a class-validator class, for `@OnMessage`. Plain data becomes an instance
 * (nested classes through class-transformer's `@Type`), unknown properties are dropped, and what
 * does not fit is told by path.
 *
 * class-validator runs under `experimentalDecorators` only. This subpath needs `class-validator`,
 * `class-transformer` and `reflect-metadata` to be installed.
 *
 * @example
 * ```ts
 * class Post {
 *   @IsString() @MaxLength(2000) text!: string;
 * }
 * class RoomChannel {
 *   @OnMessage(dto(Post)) post(message: Post) {}
 * }
 * ```
 *
 * @throws ConfigurationError - ERR_DTO_BARE, for a class without any decorator.
 */
export function dto<T extends object>(type: DtoClass<T>): StandardSchemaV1<T, T> {
  const metadata = getMetadataStorage().getTargetValidationMetadatas(type, '', false, false);
  if (metadata.length === 0) throw makeError('ERR_DTO_BARE', { label: type.name });
  return {
    '~standard': {
      version: 1,
      vendor: 'class-validator',
      async validate(value) {
        if (typeof value !== 'object' || value === null || Array.isArray(value)) {
          return { issues: [{ message: 'must be an object', path: [] }] };
        }
        try {
          const instance = plainToInstance(type, value);
          const errors = await validate(instance, { whitelist: true });
          return errors.length === 0 ? { value: instance } : { issues: flatten(errors, []) };
        } catch (error) {
          // class-transformer and class-validator recurse into whatever a client sends.
          if (!isStackOverflow(error)) throw error;
          return { issues: [{ message: 'is nested too deeply', path: [] }] };
        }
      },
    },
  };
}

function isStackOverflow(error: unknown): boolean {
  return error instanceof RangeError && error.message.startsWith('Maximum call stack');
}

function flatten(
  errors: readonly ValidationError[],
  above: readonly string[],
): StandardSchemaV1.Issue[] {
  return errors.flatMap(({ property, constraints = {}, children = [] }) => {
    const path = [...above, property];
    const own = Object.values(constraints).map((message) => ({ message, path }));
    return [...own, ...flatten(children, path)];
  });
}

/**
 * Schemas of class-validator classes. Needs `class-validator` and `class-transformer` to be installed.
 *
 * @module @gatecast/framework/class-validator
 */

import type { StandardSchemaV1 } from '@standard-schema/spec';
import { plainToInstance } from 'class-transformer';
import { getMetadataStorage, type ValidationError, validate } from 'class-validator';
import { makeError } from './errors/gatecast-error.js';

/** A class whose properties have class-validator's decorators. */
export type DtoClass<T extends object> = new () => T;

/**
 * Makes a schema of a class-validator class, for `@OnMessage`. Plain data becomes an instance
 * (nested classes through class-transformer's `@Type`), unknown properties are dropped, and each problem
 * is reported with its path.
 *
 * A property with `@ValidateNested()` takes one object. It takes a list only with `{ each: true }`, or beside
 * `@IsArray()` or another decorator of lists: class-validator itself would accept a list in place of an
 * object.
 *
 * class-validator works only with `experimentalDecorators`. This subpath needs `class-validator`,
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
 * @throws ConfigurationError - ERR_DTO_BARE, if the class has no decorators of class-validator.
 */
export function dto<T extends object>(type: DtoClass<T>): StandardSchemaV1<T, T> {
  if (metadataOf(type).length === 0) throw makeError('ERR_DTO_BARE', { label: type.name });
  return {
    '~standard': {
      version: 1,
      vendor: 'class-validator',
      async validate(value) {
        if (!isOneObject(value)) return { issues: [{ message: 'must be an object', path: [] }] };
        const instance: T = plainToInstance(type, value);
        const errors = await validate(instance, { whitelist: true });
        const issues = errors.length > 0 ? flatten(errors, []) : misshapen(instance, []);
        return issues.length > 0 ? { issues } : { value: instance };
      },
    },
  };
}

type Path = readonly string[];

function flatten(errors: readonly ValidationError[], above: Path): StandardSchemaV1.Issue[] {
  return errors.flatMap(({ property, constraints = {}, children = [] }) => {
    // For an object of an unknown class, class-validator reports an error without a property.
    const path = property === undefined ? above : [...above, property];
    const own = Object.values(constraints).map((message) => ({ message, path }));
    return [...own, ...flatten(children, path)];
  });
}

/**
 * Finds lists in place of objects and objects in place of lists, which class-validator does not tell
 * apart.
 */
function misshapen(instance: object, above: Path): StandardSchemaV1.Issue[] {
  return nestedOf(instance.constructor).flatMap(({ property, isList, conditions }) => {
    const value: unknown = instance[property as keyof typeof instance];
    if (typeof value !== 'object' || value === null) return [];
    if (!conditions.every((isMet) => isMet(instance, value))) return [];
    const path = [...above, property];
    if (!isList) return misshapenObject(value, path);
    if (!isCollection(value)) return [{ message: 'must be a list', path }];
    return [...value.values()].flatMap((item, index) =>
      misshapenObject(item, [...path, String(index)]),
    );
  });
}

function misshapenObject(value: unknown, path: Path): StandardSchemaV1.Issue[] {
  return isOneObject(value) ? misshapen(value, path) : [{ message: 'must be an object', path }];
}

/** A property with `@ValidateNested()`. */
interface Nested {
  readonly property: string;
  readonly isList: boolean;
  /**
   * The conditions of `@ValidateIf()` and `@IsOptional()`. Unless all are met, the property is not
   * validated.
   */
  readonly conditions: readonly ((instance: object, value: unknown) => boolean)[];
}

const nestedOfTypes = new WeakMap<object, readonly Nested[]>();

// oxlint-disable-next-line typescript/no-unsafe-function-type -- as class-validator takes it.
function nestedOf(type: Function): readonly Nested[] {
  const known = nestedOfTypes.get(type);
  if (known) return known;
  const all = metadataOf(type);
  const properties = all.filter(({ type: kind }) => kind === 'nestedValidation');
  const nested = [...new Set(properties.map(({ propertyName }) => propertyName))].map(
    (property) => {
      const own = all.filter(({ propertyName }) => propertyName === property);
      return {
        property,
        isList: own.some(({ type: kind, each, name = '' }) =>
          kind === 'nestedValidation' ? each : /^(isArray|array[A-Z])/.test(name),
        ),
        conditions: own
          .filter(({ type: kind }) => kind === 'conditionalValidation')
          .map(({ constraints }) => constraints[0] as Nested['conditions'][number]),
      };
    },
  );
  nestedOfTypes.set(type, nested);
  return nested;
}

// oxlint-disable-next-line typescript/no-unsafe-function-type -- as class-validator takes it.
function metadataOf(
  type: Function,
): ReturnType<ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']> {
  return getMetadataStorage().getTargetValidationMetadatas(type, '', false, false);
}

function isOneObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !isCollection(value);
}

function isCollection(
  value: object,
): value is readonly unknown[] | ReadonlySet<unknown> | ReadonlyMap<unknown, unknown> {
  return Array.isArray(value) || value instanceof Set || value instanceof Map;
}

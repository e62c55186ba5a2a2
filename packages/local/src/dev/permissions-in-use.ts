import type { LambdaFunction } from '../gateway/lambda-function.js';
import { apiDefaults } from '../gateway/options.js';
import { type FunctionOptions, functionArnOf } from '../lambda/function.js';
import { type GatewaySurroundings, principalOf, variablesOfRole } from './configure-for-gateway.js';
import { functionsOf } from './functions.js';
import type { PermittedFunction } from './make-deployment.js';
import type { ApiDefinition, StartGatewayOptions } from './start-gateway.js';

/** The options of a running gateway that can be replaced: roles, permissions, routes and authorizers. */
export class PermissionsInUse {
  #options: StartGatewayOptions;

  constructor(options: StartGatewayOptions) {
    this.#options = options;
  }

  /** Uses other options, unless `check` refuses them. @throws Error of `check` */
  replace(options: StartGatewayOptions, check: () => void): void {
    const previous = this.#options;
    this.#options = options;
    try {
      check();
    } catch (error) {
      this.#options = previous;
      throw error;
    }
  }

  /** @param name default: the first API */
  api(name: string | undefined): Pick<ApiDefinition, 'routes' | 'authorizer'> {
    return (name === undefined ? this.#options : this.#options.apis?.[name]) ?? {};
  }

  function(name: string): FunctionOptions | undefined {
    return functionsOf(this.#options).find((each) => each.name === name)?.options;
  }

  invokable(lambda: LambdaFunction, name: string): PermittedFunction {
    const { region = apiDefaults.region, accountId = apiDefaults.accountId } = this.#options;
    const own: Partial<FunctionOptions> = this.function(name) ?? {};
    const arn = functionArnOf(own, { name, region, accountId });
    return { lambda, arn, invokePermissions: own.invokePermissions };
  }

  /** Gives the keys of functions the roles that are in use. */
  renewKeys(surroundings: GatewaySurroundings): void {
    const { keys, credentials } = surroundings;
    for (const [name, credential] of keys) {
      const own = this.function(name);
      if (own === undefined) continue;
      const principal = principalOf(surroundings, name, own.permissions);
      keys.set(name, credentials.permit({ ...credential, principal }, own.permissions));
    }
  }

  /** The variables of `variablesOfRole` for each function with a role, by its name. */
  variables(
    surroundings: GatewaySurroundings,
  ): Readonly<Record<string, Readonly<Record<string, string>>>> {
    const withRole = functionsOf(this.#options).filter(({ options }) => options.permissions);
    return Object.fromEntries(
      withRole.map((each) => [each.name, variablesOfRole(surroundings, each)]),
    );
  }
}

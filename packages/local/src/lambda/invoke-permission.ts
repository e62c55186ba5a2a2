import type { LambdaPermission } from '../iam/lambda-permission.js';

/** A permission to invoke a function, or an alias or a version of it. @group Access and identity */
export interface InvokePermission extends LambdaPermission {
  /** The alias or version. @default the function itself, without one */
  readonly qualifier?: string | undefined;
}

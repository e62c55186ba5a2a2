import type { PolicyStatement } from './policy-document.js';
import type { AccessRequest } from './statement.js';

/** The statement that would allow a call and no other action, for any connection if it is on one. */
export function allowing({
  action,
  resource,
}: Pick<AccessRequest, 'action' | 'resource'>): PolicyStatement {
  return { Effect: 'Allow', Action: action, Resource: withAnyConnection(resource) };
}

/** The ARN with `*` in place of a connection id, which a policy cannot know. */
export function withAnyConnection(resource: string): string {
  return resource.replace(/^(arn:[^:]*:execute-api:.*\/@connections\/).+$/, '$1*');
}

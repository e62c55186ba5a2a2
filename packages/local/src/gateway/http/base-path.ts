const MAX_LENGTH = 300;

/**
 * The path of the API on its host: the stage, or the base path of a custom domain; empty if the whole
 * domain is mapped to the API.
 *
 * @throws Error if API Gateway would refuse the base path, too (API mappings).
 */
export function apiPath(stage: string, basePath: string | undefined): string {
  if (basePath === undefined) return `/${stage}`;
  if (basePath === '') return '';
  if (basePath.length > MAX_LENGTH || !/^[\w$.+!*'()-]+(?:\/[\w$.+!*'()-]+)*$/.test(basePath)) {
    throw new Error(
      `The base path "${basePath}" cannot be mapped. Use at most ${MAX_LENGTH} letters, digits and ` +
        `$-_.+!*'(), with single slashes between them.`,
    );
  }
  return `/${basePath}`;
}

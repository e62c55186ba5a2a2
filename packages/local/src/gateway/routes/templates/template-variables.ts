import { parseJson, parsePath, textOf, valueAt } from '../json-path.js';
import { TemplateFunctions } from './template-methods.js';

/** The data that a mapping template can read. */
export interface TemplateInput {
  /** `$context`. */
  readonly context: object;
  readonly stageVariables: Readonly<Record<string, string>> | undefined;
  /** The payload that `$input` reads. */
  readonly body: string;
  /** Only for the handshake; other events have none. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly queryStringParameters?: Readonly<Record<string, string>> | undefined;
}

/**
 * The variables of a mapping template (row 8.5): `$context`, `$stageVariables`, `$input` and
 * `$util`. They are copies, so that changes by a template have no effect elsewhere.
 */
export function templateVariables(templateInput: TemplateInput): Readonly<Record<string, unknown>> {
  return {
    context: structuredClone(templateInput.context),
    stageVariables: { ...templateInput.stageVariables },
    input: input(templateInput),
    util,
  };
}

function input({ body, headers, queryStringParameters }: TemplateInput): TemplateFunctions {
  // A body that is not JSON is a string.
  const payload = parseJson(body) ?? body;
  const params = {
    path: {},
    querystring: { ...queryStringParameters },
    header: { ...headers },
  };
  const functions = new TemplateFunctions({
    json: (path) => JSON.stringify(select(payload, path)),
    path: (path) => select(payload, path),
    params: (name) => {
      if (name === undefined) return params;
      const key = textOf(name);
      return valueAt(params, [key]) ?? params.querystring[key] ?? params.header[key] ?? '';
    },
  });
  return Object.assign(functions, { body });
}

/** A missing value is an empty string, both for `$input.json` and `$input.path`. */
function select(payload: unknown, path: unknown): unknown {
  const text = textOf(path);
  const steps = text.startsWith('$') ? parsePath(text.slice(1)) : undefined;
  if (!steps) {
    throw new Error(
      `The path "${text}" cannot be read. Of JSONPath, use "$" with ".name", "['name']", "[0]" and "[*]".`,
    );
  }
  return valueAt(payload, steps) ?? '';
}

const util = new TemplateFunctions({
  base64Decode: (text) => Buffer.from(textOf(text), 'base64').toString(),
  base64Encode: (text) => Buffer.from(textOf(text)).toString('base64'),
  // Single quotes are escaped, too, although JSON does not allow that. The documentation says so and
  // gives a workaround.
  escapeJavaScript: (text) => JSON.stringify(textOf(text)).slice(1, -1).replaceAll("'", "\\'"),
  parseJson: (text) => parseJson(textOf(text)),
  urlDecode: (text) => new URLSearchParams(`x=${textOf(text).replaceAll('&', '%26')}`).get('x'),
  urlEncode: (text) => new URLSearchParams([['x', textOf(text)]]).toString().slice(2),
});

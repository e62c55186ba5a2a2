import { createRequire } from 'node:module';
import type ajvDraft04 from 'ajv-draft-04';
import { parseJson } from './json-path.js';
import { keyedSelection } from './select.js';

/** Returns the errors in a body according to its model, or `undefined`. */
export type BodyCheck = (body: string) => string | undefined;

/** The models of a route. @group A gateway of your own */
export interface RequestModels {
  /** JSON schemas of draft 4 by key. @default none */
  readonly requestModels?: Readonly<Record<string, object>> | undefined;
  /**
   * Selects the key of the model that a message must fit: text and `${request.body.path}`. The key
   * `$default` is used if no other key matches; without it such a message is refused (row 5.9).
   *
   * @default none: messages are not checked
   */
  readonly modelSelectionExpression?: string | undefined;
}

const load = createRequire(import.meta.url);

/**
 * Compiles the models of a route; `undefined` if it has none. The validator is loaded with the first
 * model.
 *
 * @throws Error if the expression or a model is invalid.
 */
export function bodyCheck(
  { requestModels, modelSelectionExpression: expression }: RequestModels,
  where: string,
): BodyCheck | undefined {
  if (expression === undefined) return undefined;
  const checks = Object.entries(requestModels ?? {}).map(([key, schema]): [string, ModelCheck] => {
    try {
      return [key, compile(schema)];
    } catch (error) {
      throw new Error(
        `The model "${key}" of ${where} is not a JSON schema of draft 4: ${(error as Error).message}.`,
        { cause: error },
      );
    }
  });
  const select = keyedSelection({
    entries: Object.fromEntries(checks),
    expression,
    name: `model selection expression of ${where}`,
    variables: ['request.body'],
  });
  return (text) => {
    const body = parseJson(text);
    const check = select({ request: { body } });
    if (!check) return 'No model matches, and there is no "$default" among the models.';
    if (body === undefined) return 'The body is not JSON.';
    try {
      return check(body);
    } catch (error) {
      // A recursive model may overflow the stack on a deeply nested body.
      return `The body could not be checked: ${(error as Error).message}.`;
    }
  };
}

type ModelCheck = (body: unknown) => string | undefined;

function compile(schema: object): ModelCheck {
  const { default: Ajv } = load('ajv-draft-04') as typeof ajvDraft04;
  // Like API Gateway, it ignores unknown keywords and formats.
  const ajv = new Ajv({ strict: false, validateFormats: false, logger: false });
  const validate = ajv.compile(schema);
  return (body) =>
    validate(body) ? undefined : ajv.errorsText(validate.errors, { dataVar: 'body' });
}

import { createRequire } from 'node:module';
import type ajvDraft04 from 'ajv-draft-04';
import { parseJson } from './json-path.js';
import { keyedSelection } from './keyed-selection.js';

/** Says what is wrong with a body by its model, or nothing. */
export type BodyCheck = (body: string) => string | undefined;

/** The models of a route. */
export interface RequestModels {
  /** JSON schemas of draft 4 by key. @default none */
  readonly requestModels?: Readonly<Record<string, object>> | undefined;
  /**
   * Yields the key of the model that a message must fit: text and `${request.body.path}`. The key
   * `$default` serves what has no model of its own; without it such a message does not fit
   * (row 5.9).
   *
   * @default none: nothing is checked
   */
  readonly modelSelectionExpression?: string | undefined;
}

const load = createRequire(import.meta.url);

/**
 * Compiles the models of a route; `undefined` when nothing is to be checked. The validator is
 * loaded with the first model.
 *
 * @throws Error when the expression or a model cannot be read.
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
        `The model "${key}" of ${where} is no JSON schema of draft 4: ${(error as Error).message}.`,
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
    if (body === undefined) return 'It is no JSON.';
    try {
      return check(body);
    } catch (error) {
      // A model that refers to itself exhausts the stack on a body that is nested deeply enough.
      return `It could not be checked: ${(error as Error).message}.`;
    }
  };
}

type ModelCheck = (body: unknown) => string | undefined;

function compile(schema: object): ModelCheck {
  const { default: Ajv } = load('ajv-draft-04') as typeof ajvDraft04;
  // As lax as API Gateway: keywords and formats that nobody knows are ignored.
  const ajv = new Ajv({ strict: false, validateFormats: false, logger: false });
  const validate = ajv.compile(schema);
  return (body) =>
    validate(body) ? undefined : ajv.errorsText(validate.errors, { dataVar: 'body' });
}

import type { IntegrationResponse } from '../integration-options.js';
import { type SelectionInput, templateSelection } from '../select.js';
import { type TemplateInput, templateVariables } from '../templates/template-variables.js';

/** An integration response, ready to use. */
export interface ServedResponse {
  /** Whether its key matches the whole text. */
  matches(selected: string): boolean;
  /**
   * Makes the payload for the client from the answer of the integration.
   *
   * @throws Error if its template fails.
   */
  render(
    selection: SelectionInput,
    templateInput: TemplateInput & { readonly payload: string },
  ): string;
}

/**
 * Chooses the integration response (row 8.12): the first one whose pattern matches, or the one with the
 * key `$default`, or none.
 */
export type ResponseChoice = (selected: string) => ServedResponse | undefined;

/** @throws Error if a key, a template or an expression is invalid. */
export function responseChoice(
  responses: readonly IntegrationResponse[],
  where: string,
): ResponseChoice {
  const patterns: ServedResponse[] = [];
  let fallback: ServedResponse | undefined;
  for (const response of responses) {
    const served = serve(response, where);
    if (isDefault(response)) fallback = served;
    else patterns.push(served);
  }
  return (selected) => patterns.find((response) => response.matches(selected)) ?? fallback;
}

function serve(response: IntegrationResponse, where: string): ServedResponse {
  const { integrationResponseKey: key, contentHandlingStrategy, responseTemplates } = response;
  const pattern = isDefault(response) ? /^/ : patternOf(key, where);
  const template = templateSelection({
    templates: responseTemplates,
    expression: response.templateSelectionExpression,
    variables: [
      'request.body',
      'integration.response.statuscode',
      'integration.response.header',
      'integration.response.multivalueheader',
    ],
    where: `the integration response "${key}" of ${where}`,
  });
  return {
    matches: (selected) => pattern.test(selected),
    render(selection, { payload, ...templateInput }) {
      const toText = contentHandlingStrategy === 'CONVERT_TO_TEXT';
      const encode = (text: string) => (toText ? Buffer.from(text).toString('base64') : text);
      const body = encode(templateInput.body);
      const text =
        template(selection)?.(templateVariables({ ...templateInput, body })) ?? encode(payload);
      return contentHandlingStrategy === 'CONVERT_TO_BINARY' ? decodeBase64(text) : text;
    },
  };
}

function isDefault({ integrationResponseKey: key }: IntegrationResponse): boolean {
  return key === '$default' || key === '\\$default';
}

function patternOf(key: string, where: string): RegExp {
  const [, source] = /^\/(.*)\/$/s.exec(key) ?? [];
  try {
    if (source !== undefined) return new RegExp(`^(?:${source})$`);
  } catch {
    // The error below says it.
  }
  throw new Error(
    `The integration response key "${key}" of ${where} cannot be read. Use "$default" or a ` +
      'regular expression between slashes, such as "/2\\d\\d/".',
  );
}

/** @throws Error if the text is not base64. */
export function decodeBase64(text: string): string {
  const bytes = Buffer.from(text, 'base64');
  if (unpadded(bytes.toString('base64')) !== unpadded(text.trim())) {
    throw new Error('CONVERT_TO_BINARY was applied to a text that is not base64.');
  }
  return bytes.toString();
}

/** At most two characters, because a client may send any number of them, and `=+$` would take minutes. */
function unpadded(base64: string): string {
  return base64.replace(/={1,2}$/, '');
}

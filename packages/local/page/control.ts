import { element } from './element.js';

const notice = element('notice', HTMLParagraphElement);

/**
 * Sends a request to the gateway's control API, and shows an error if it is refused. Resolves to whether
 * it succeeded.
 */
export async function control(
  method: 'POST' | 'DELETE',
  path: string,
  body?: object,
): Promise<boolean> {
  const headers = { 'Content-Type': 'application/json' };
  const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
  try {
    const response = await fetch(`/@gatecast/${path}`, init);
    const { message = '' } = (await response.json()) as { message?: string };
    tell(response.ok ? '' : message);
    return response.ok;
  } catch {
    tell('The gateway does not answer. Is "gatecast dev" still running?');
    return false;
  }
}

/** Replaces the current notice; an empty text removes it. */
export function tell(text: string): void {
  notice.textContent = text;
}

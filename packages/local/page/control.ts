import { element } from './element.js';

const notice = element('notice', HTMLParagraphElement);

/** Asks the gateway to do something. A refusal is shown; resolves to whether it was done. */
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

/** Shows a notice in the place of the one before; an empty one takes it away. */
export function tell(text: string): void {
  notice.textContent = text;
}

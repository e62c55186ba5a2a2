import type { ServerFrame } from '@gatecast/protocol';

/**
 * Reads what arrived. Whatever is no frame is `undefined`: API Gateway sends texts of its own
 * (`{"message": "Internal server error", …}`), and a newer server may send what this client does not know.
 */
export function readServerFrame(data: unknown): ServerFrame | undefined {
  if (typeof data !== 'string') return undefined;
  try {
    const frame: unknown = JSON.parse(data);
    return isFrame(frame) ? frame : undefined;
  } catch {
    return undefined;
  }
}

function isFrame(value: unknown): value is ServerFrame {
  const { type, error, events } = Object(value) as Record<string, unknown>;
  if (type === 'error') return error === Object(error);
  if (type === 'events') return Array.isArray(events);
  return typeof type === 'string';
}

import type { Client } from '@gatecast/client';

/** A connection that is lost for a moment is not worth a word. */
const MOMENT_MS = 1_500;

/** Tells the reader if there is no connection for longer than a moment. */
export function noticeConnection(client: Client, show: (notice: string) => void): void {
  let notice = 'Connecting…';
  let timer: number | undefined;
  const update = (): void => {
    if (client.state !== 'connected') {
      timer ??= window.setTimeout(() => show(notice), MOMENT_MS);
      return;
    }
    window.clearTimeout(timer);
    timer = undefined;
    notice = 'Connection lost. What you write is sent later.';
    show('');
  };
  client.onState(update);
  update();
}

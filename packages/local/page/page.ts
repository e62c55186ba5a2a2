import type { JournalEntry } from '../src/dev/control/journal.js';
import type { PermissionsReport } from '../src/dev/control/permissions-report.js';
import type { ControlState, ReloadFailure } from '../src/dev/control/state.js';
import { showClock } from './clock-form.js';
import { showConnections } from './connection-list.js';
import { element, make } from './element.js';
import { addEntry, clearEntries } from './entry-list.js';
import { showFaults } from './fault-form.js';
import { offer } from './own-connection.js';
import { showPermissions } from './permission-list.js';

const api = element('api', HTMLParagraphElement);
const link = element('link', HTMLParagraphElement);
const failures = element('failures', HTMLDivElement);
let shownFailures = '';

const stream = new EventSource('/@gatecast/events');
stream.addEventListener('open', () => {
  link.textContent = 'Live';
  link.className = 'live';
  // The stream begins with all current entries.
  clearEntries();
});
stream.addEventListener('error', () => {
  link.textContent = 'The gateway does not answer. Trying again …';
  link.className = 'lost';
});
stream.addEventListener('entry', ({ data }) => addEntry(JSON.parse(data) as JournalEntry));
stream.addEventListener('state', ({ data }) => {
  const state = JSON.parse(data) as ControlState;
  api.replaceChildren(make('code', {}, state.url), ` stage ${state.stage}`);
  offer(state.url, state.routes);
  showConnections(state.connections);
  showClock(state.clockAheadMs);
  showFaults(state);
  showFailures(state.failures);
});
stream.addEventListener('permissions', ({ data }) => {
  showPermissions(JSON.parse(data) as PermissionsReport);
});

/**
 * Updates the alert only if it differs, because a screen reader reads the whole alert at every change.
 */
function showFailures(present: readonly ReloadFailure[]): void {
  const key = JSON.stringify(present);
  if (key === shownFailures) return;
  shownFailures = key;
  failures.replaceChildren(
    ...present.map(({ functionName, message }) =>
      make(
        'div',
        {},
        make('h2', {}, `"${functionName}" was not reloaded; the last good version keeps running.`),
        make('pre', {}, message.trim()),
      ),
    ),
  );
}

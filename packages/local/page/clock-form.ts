import { control } from './control.js';
import { element } from './element.js';

const clock = element('clock', HTMLParagraphElement);
const form = element('advance', HTMLFormElement);
const by = element('by', HTMLInputElement);

/** Shows how far the gateway's clock is ahead. */
export function showClock(aheadMs: number): void {
  clock.textContent =
    aheadMs === 0 ? 'It shows the time of this machine.' : `It is ${durationText(aheadMs)} ahead.`;
}

form.addEventListener('submit', (submitted) => {
  submitted.preventDefault();
  void advance();
});

for (const button of document.querySelectorAll<HTMLButtonElement>('#steps button')) {
  button.addEventListener(
    'click',
    () => void control('POST', 'clock', { by: button.dataset['by'] }),
  );
}

async function advance(): Promise<void> {
  if (await control('POST', 'clock', { by: by.value })) by.value = '';
}

/** `1 h 10 min`, without units whose value is 0. */
function durationText(ms: number): string {
  const parts: [number, string][] = [
    [Math.floor(ms / 3_600_000), 'h'],
    [Math.floor(ms / 60_000) % 60, 'min'],
    [(ms / 1_000) % 60, 's'],
  ];
  return parts
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount} ${unit}`)
    .join(' ');
}

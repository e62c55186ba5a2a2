import { appFaults } from './app-faults.js';
import { clientFaults } from './client-faults.js';
import { logFaults } from './log-faults.js';
import type { PlantedFault } from './planted-fault.js';

/** Every fault is planted alone, and the checks have to notice it. */
export const faults: readonly PlantedFault[] = [...logFaults, ...appFaults, ...clientFaults];

/** @throws Error - if there is no fault with that name. */
export function faultNamed(name: string): PlantedFault {
  const fault = faults.find((planted) => planted.name === name);
  if (fault) return fault;
  const names = faults.map((known) => known.name).join(', ');
  throw new Error(`There is no fault "${name}", but: ${names}.`);
}

import type { Patch } from '../bundle.js';

/** A mistake that somebody could make, as a change of the project's code. */
export interface PlantedFault {
  readonly name: string;
  readonly patches: readonly Patch[];
}

/** A fault that one or more changes of the code make. */
export function plant(name: string, ...patches: readonly Patch[]): PlantedFault {
  return { name, patches };
}

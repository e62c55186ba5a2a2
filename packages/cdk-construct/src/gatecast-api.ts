import { Construct } from 'constructs';

/** Properties of a {@link GatecastApi}. */
export interface GatecastApiProps {
  /**
   * Source file of the app, absolute or relative to the current directory: `server/app.ts`.
   *
   * @default - `handler` is given
   */
  readonly entry?: string;
}

/** A WebSocket API with everything that a Gatecast app needs. */
export class GatecastApi extends Construct {
  constructor(scope: Construct, id: string, _props: GatecastApiProps) {
    super(scope, id);
  }
}

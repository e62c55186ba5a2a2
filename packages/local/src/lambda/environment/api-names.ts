// Runs inside an environment's process.
import { Socket, type TcpNetConnectOpts } from 'node:net';
import { executeApiHost, isExecuteApi } from '../../execute-api-host.js';

export interface ApiNames {
  /** The APIs, with the endpoints of their gateways. */
  readonly known: readonly { readonly apiId: string; readonly endpoint: string }[];
  /** Called when something connects to the host of another API, or of none. */
  readonly onOtherApi: (host: string) => void;
}

type Listener = () => void;

/**
 * Lets the names that API Gateway gives to the APIs lead to their gateways, on any port, in this process.
 * All other names are left alone. TLS still checks the certificate against the name.
 *
 * `net`, `tls`, `http`, `https`, `http2` and `fetch` all connect with this method. A change of
 * `dns.lookup` would keep the port 443.
 */
export function resolveApis({ known, onOtherApi }: ApiNames): void {
  const gateways = new Map(
    known.map(({ apiId, endpoint }) => {
      const { hostname, port } = new URL(endpoint);
      const gateway = { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port) };
      return [apiId.toLowerCase(), gateway];
    }),
  );
  const others = new Set<string>();
  // oxlint-disable-next-line typescript/unbound-method -- it is called with each socket as `this`.
  const { connect } = Socket.prototype;
  Socket.prototype.connect = function (this: Socket, ...args: unknown[]): Socket {
    const [options, listener] = optionsOf(args);
    const host = options.host ?? undefined;
    const api = executeApiHost(host);
    const gateway = gateways.get(api?.apiId ?? '');
    if (gateway) {
      // The lookup and the family are for the name.
      const { lookup: _, family: __, ...kept } = options;
      return Reflect.apply(connect, this, [{ ...kept, ...gateway }, listener]) as Socket;
    }
    if (host !== undefined && isExecuteApi(host) && !others.has(host)) {
      others.add(host);
      onOtherApi(host);
    }
    return Reflect.apply(connect, this, args) as Socket;
  };
}

/** The arguments of `connect`: options, a port with a host, or a list of both that Node has prepared. */
function optionsOf(args: readonly unknown[]): [Partial<TcpNetConnectOpts>, Listener | undefined] {
  const [first, ...others] = Array.isArray(args[0]) ? (args[0] as unknown[]) : args;
  const listener = others.find((value): value is Listener => typeof value === 'function');
  if (typeof first === 'object' && first !== null) return [first, listener];
  const [host] = others;
  return [{ port: Number(first), ...(typeof host === 'string' && { host }) }, listener];
}

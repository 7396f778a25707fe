// SPDX-License-Identifier: Apache-2.0
import { createRequire } from 'node:module';
import type { buildConnector, Dispatcher } from 'undici';

/** What connections need to know of the world: proxies as the environment names them, more trusted CAs (PEM). */
export interface DispatcherOptions {
  readonly httpProxy?: string;
  readonly httpsProxy?: string;
  readonly noProxy?: string;
  readonly ca?: readonly string[];
  /** For servers that are not of the public web. */
  readonly tls?: TlsOptions;
}

/** Whom a TLS connection trusts, and as whom it speaks. */
export interface TlsOptions {
  /** The CAs that alone are trusted (PEM); the machine's by default. */
  readonly authorities?: string | undefined;
  /** The client's certificate and key (PEM). */
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  /** The name to ask for and to find in the certificate, where it is not the URL's. */
  readonly serverName?: string | undefined;
  /** Believe any certificate. */
  readonly insecure?: boolean;
}

const CONNECT_TIMEOUT = 15_000;
const LIMITS = { connections: 24, headersTimeout: 60_000 };

/** Gives undici's dispatcher: through proxies where they are named, else one that connects directly. */
export function createDispatcher(options: DispatcherOptions): Dispatcher {
  return options.httpProxy === undefined && options.httpsProxy === undefined ? direct(options) : proxied(options);
}

/**
 * The parts of undici that a direct connection needs, by their files: the whole of it takes longer to load than many a
 * command to run. package.json pins its version; it has no exports map, and the test of this file fails when they move.
 */
function direct(options: DispatcherOptions): Dispatcher {
  const load = createRequire(import.meta.url);
  const Agent = load('undici/lib/dispatcher/agent.js') as typeof import('undici').Agent;
  const Base = load('undici/lib/dispatcher/dispatcher.js') as typeof import('undici').Dispatcher;
  Object.assign(Base.prototype, load('undici/lib/api/index.js')); // as undici's index.js does
  const connectorOf = load('undici/lib/core/connect.js') as typeof buildConnector;
  const plain = connectorOf({ timeout: CONNECT_TIMEOUT });
  let secure: typeof plain | undefined;
  const connect: typeof plain = (target, done) => {
    if (target.protocol !== 'https:') return plain(target, done);
    // Reading all CAs takes longer than many a request: only the first TLS connection does it.
    secure ??= connectorOf({ ...tlsOf(options), timeout: CONNECT_TIMEOUT });
    return secure(target, done);
  };
  return new Agent({ ...LIMITS, connect });
}

function proxied(options: DispatcherOptions): Dispatcher {
  const { EnvHttpProxyAgent } = createRequire(import.meta.url)('undici') as typeof import('undici');
  const ca = authoritiesOf(options);
  return new EnvHttpProxyAgent({
    ...LIMITS,
    connect: { ca, timeout: CONNECT_TIMEOUT },
    requestTls: tlsOf(options),
    ...(options.httpProxy === undefined ? {} : { httpProxy: options.httpProxy }),
    ...(options.httpsProxy === undefined ? {} : { httpsProxy: options.httpsProxy }),
    noProxy: options.noProxy ?? '',
  });
}

function tlsOf(options: DispatcherOptions) {
  const { authorities, certificate, key, serverName, insecure } = options.tls ?? {};
  return {
    ca: authorities ?? authoritiesOf(options),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(insecure === true ? { rejectUnauthorized: false } : {}),
  };
}

function authoritiesOf({ ca = [] }: DispatcherOptions): string[] {
  const tls = createRequire(import.meta.url)('node:tls') as typeof import('node:tls'); // half of a quick command's time
  return [...tls.rootCertificates, ...tls.getCACertificates('system'), ...tls.getCACertificates('extra'), ...ca];
}

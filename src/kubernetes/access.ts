// SPDX-License-Identifier: Apache-2.0
import { createHttp, type Http } from '#core';
import type { ConnectionOptions } from './connection.ts';
import { type Credential, readCredential } from './credential.ts';
import { KubernetesError } from './error.ts';
import type { ClusterTarget } from './kubeconfig.ts';

/** How the API server is reached now: an HTTP client, and the headers that say who we are. */
export interface Access {
  readonly target: ClusterTarget;
  get(): Promise<{ readonly http: Http; readonly headers: Readonly<Record<string, string>> }>;
  /** Asks for the credential anew; false where that gives the same. */
  renew(): Promise<boolean>;
}

/** The credential is read for the first request, again before it expires, and when the server no longer takes it. */
export function accessTo(target: ClusterTarget, options: ConnectionOptions): Access {
  let ready: Promise<{ credential: Credential; http: Http }> | undefined;
  const open = async () => {
    const credential = await readCredential(target, {
      run: options.run,
      env: options.env ?? {},
      signal: options.signal,
    });
    return { credential, http: createHttp(httpOptions(target, credential, options)) };
  };
  const isOver = ({ expires }: Credential) =>
    expires !== undefined && expires.getTime() - options.clock.now().getTime() < 10_000;
  return {
    target,
    get: async () => {
      ready ??= open();
      let { credential, http } = await ready;
      if (isOver(credential)) {
        ready = open();
        ({ credential, http } = await ready);
      }
      return { http, headers: credential.headers };
    },
    renew: async () => {
      const { credential } = (await ready) ?? {};
      if (!credential?.renewable) return false;
      ready = open();
      await ready;
      return true;
    },
  };
}

function httpOptions(target: ClusterTarget, credential: Credential, options: ConnectionOptions) {
  const { hostname } = new URL(target.server);
  const isLocal = /^(localhost|127\..*|\[::1\])$/.test(hostname);
  const proxy = target.proxy ?? (isLocal ? undefined : options.httpsProxy);
  if (proxy !== undefined && !/^https?:/.test(proxy)) {
    throw new KubernetesError('KUBECONFIG_INVALID', `proxies of this kind are not supported: ${proxy}`, {
      where: target.server,
      hint: 'Use an HTTP proxy in proxy-url, or open the tunnel yourself.',
    });
  }
  return {
    clock: options.clock,
    ...(options.userAgent === undefined ? {} : { userAgent: options.userAgent }),
    ...(proxy === undefined
      ? {}
      : { httpProxy: proxy, httpsProxy: proxy, noProxy: target.proxy === undefined ? (options.noProxy ?? '') : '' }),
    tls: {
      authorities: target.ca,
      certificate: credential.certificate,
      key: credential.key,
      serverName: target.serverName,
      insecure: target.insecure,
    },
  };
}

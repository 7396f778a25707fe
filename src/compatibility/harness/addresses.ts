// SPDX-License-Identifier: Apache-2.0
import type { ScenarioControllers } from '../scenario/types.ts';
import { freePorts } from './ports.ts';
import type { PodSpec } from './pod.ts';

/** Where the controllers listen, as `127.0.0.1:port`. */
export interface Addresses {
  readonly shared: ScenarioControllers['addresses'];
  /** Each component's own, by name. */
  readonly own: ReadonlyMap<string, { readonly health: string; readonly metrics: string }>;
}

/** Chooses free addresses for controllers. */
export async function chooseAddresses(components: readonly string[]): Promise<Addresses> {
  const ports = await freePorts(4 + 2 * components.length);
  const take = (index: number) => `127.0.0.1:${ports[index]}`;
  return {
    shared: { storage: take(0), watcherStorage: take(1), receiver: take(2), events: take(3) },
    own: new Map(
      components.map((name, index) => [name, { health: take(4 + 2 * index), metrics: take(5 + 2 * index) }]),
    ),
  };
}

/**
 * Gives a controller's arguments as the manifests have them, but with addresses of loopback: all share one network here, in which
 * nothing resolves names of Services, so each listens elsewhere and is told where the others are.
 */
export function localArguments(
  { component, args }: Pick<PodSpec, 'component' | 'args'>,
  addresses: Addresses,
): readonly string[] {
  const { shared, own } = addresses;
  const mine = own.get(component);
  if (mine === undefined) throw new TypeError(`no address was chosen for ${component}`);
  const storage =
    component === 'source-controller'
      ? shared.storage
      : component === 'source-watcher'
        ? shared.watcherStorage
        : undefined;
  const listensForEvents = component === 'notification-controller';
  const flags: Readonly<Record<string, string | undefined>> = {
    '--health-addr': mine.health,
    '--metrics-addr': mine.metrics,
    '--events-addr': listensForEvents ? shared.events : `http://${shared.events}/`,
    '--receiverAddr': listensForEvents ? shared.receiver : undefined,
    '--storage-addr': storage,
    '--storage-adv-addr': storage,
  };
  const kept = args.filter((arg) => !Object.hasOwn(flags, arg.split('=', 1)[0] ?? ''));
  return [
    ...kept,
    ...Object.entries(flags).flatMap(([flag, value]) => (value === undefined ? [] : [`${flag}=${value}`])),
  ];
}

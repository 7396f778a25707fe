// SPDX-License-Identifier: Apache-2.0
import { discard } from '#core';
import { StepFailure } from '../failure.ts';
import { configMapYaml, gitRepository, loginSecrets, SECRETS, secret } from '../objects.ts';
import { textAt } from '../reading.ts';
import { signWebhook } from '../servers/sink.ts';
import type { Stage } from '../stage.ts';
import type { Step } from './step.ts';

const files = (round: number) => ({ 'settings.yaml': configMapYaml('settings', { round: String(round) }) });

/** A fetch is told of, signed, to a webhook. */
export const alert: Step = {
  name: 'Alert reaches a webhook, signed',
  namespace: 'oakum-alert',
  async play(stage) {
    const { sink, repositories } = stage.servers;
    await repositories.create('alert', files(0));
    await stage.apply(
      ...loginSecrets(stage.servers),
      secret('sink', { token: sink.secret }),
      {
        kind: 'Provider',
        name: 'sink',
        spec: {
          type: 'generic-hmac',
          address: `https://${sink.host}/`,
          secretRef: { name: 'sink' },
          certSecretRef: { name: SECRETS.authority },
        },
      },
      {
        kind: 'Alert',
        name: 'all',
        spec: { providerRef: { name: 'sink' }, eventSources: [{ kind: 'GitRepository', name: '*' }] },
      },
      gitRepository('alert', stage.servers),
    );
    await stage.ready('GitRepository', 'alert');
    const came = () => sink.events.find((event) => event.involvedObject.namespace === stage.namespace);
    await untilTold(stage, () => came() !== undefined);
    return `${came()?.reason}: ${came()?.message}`;
  },
};

/** An event may come before notification-controller knows of the Alert; each further commit makes another. */
async function untilTold(stage: Stage, isTold: () => boolean): Promise<void> {
  let round = 0;
  let next = stage.clock.now().getTime() + PAUSE;
  await stage.wait('the webhook is told of a fetch', stage.ref('Provider', 'sink'), async () => {
    if (isTold()) return true;
    if (stage.clock.now().getTime() < next) return false;
    round += 1;
    await stage.servers.repositories.commit('alert', files(round), `Round ${round}`);
    await stage.reconcile('GitRepository', 'alert');
    next = stage.clock.now().getTime() + PAUSE;
    return isTold();
  });
}

const PAUSE = 3000;

/** A webhook, signed, makes a source be fetched at once; one with another signature does not. */
export const receiver: Step = {
  name: 'Receiver makes a source be fetched',
  namespace: 'oakum-receiver',
  async play(stage) {
    const { repositories } = stage.servers;
    const token = 'a secret of the scenario';
    await repositories.create('receiver', files(0));
    await stage.apply(
      ...loginSecrets(stage.servers),
      secret('token', { token }),
      gitRepository('receiver', stage.servers),
      {
        kind: 'Receiver',
        name: 'receiver',
        spec: {
          type: 'generic-hmac',
          secretRef: { name: 'token' },
          resources: [{ apiVersion: stage.kinds.get('GitRepository'), kind: 'GitRepository', name: 'receiver' }],
        },
      },
    );
    await stage.ready('GitRepository', 'receiver');
    const path = textAt(await stage.ready('Receiver', 'receiver'), 'status', 'webhookPath');
    const refused = await post(stage, path, 'another secret');
    if (refused < 400) throw new StepFailure(`a webhook with a wrong signature was answered with ${refused}`);
    const commit = await repositories.commit('receiver', files(1), 'Round 1');
    await stage.wait(
      'the webhook is taken',
      stage.ref('Receiver', 'receiver'),
      async () => (await post(stage, path, token)) === 200,
    );
    await stage.until(stage.ref('GitRepository', 'receiver'), `at ${commit}`, (object) =>
      textAt(object, 'status', 'artifact', 'revision').endsWith(commit),
    );
    return `refused a wrong signature with ${refused}, fetched ${commit.slice(0, 12)} after the right one`;
  },
};

async function post({ http, controllers, signal }: Stage, path: string, token: string): Promise<number> {
  const body = JSON.stringify({ scenario: 'receiver' });
  const response = await http({
    url: `http://${controllers.addresses.receiver}${path}`,
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-signature': signWebhook(body, token) },
    body,
    signal,
  });
  await discard(response);
  return response.status;
}

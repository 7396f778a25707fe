// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { type ReportEvent, systemClock } from '#core';
import { KubernetesError } from '#kubernetes';
import { createTestClock } from '#testing';
import { StepFailure } from './failure.ts';
import { judge } from './judge.ts';

function world(clock = systemClock()) {
  const events: ReportEvent[] = [];
  const abort = new AbortController();
  return { events, abort, clock, signal: abort.signal, report: (event: ReportEvent) => void events.push(event) };
}

describe('the judge of a step', () => {
  it('says what was seen where the step passed', async () => {
    const tools = world();
    expect(await judge('It works', tools, async () => 'seen')).toMatchObject({
      name: 'It works',
      verdict: 'passed',
      detail: 'seen',
    });
    expect(tools.events.map(({ kind }) => kind)).toEqual(['step-started', 'step-finished']);
  });

  it('says why where it failed: all of a failure, and what an error tells to do', async () => {
    const failing = await judge('It fails', world(), async () => {
      throw new StepFailure('not ready\n  Ready=False: no such host');
    });
    expect(failing).toMatchObject({ verdict: 'failed', detail: 'not ready\n  Ready=False: no such host' });
    const refused = await judge('It fails', world(), async () => {
      throw new KubernetesError('CLUSTER_FORBIDDEN', 'may not', { where: 'https://api', hint: 'Ask.' });
    });
    expect(refused.detail).toBe('may not\n  https://api\n  Ask.');
  });

  it('ends a step that hangs, and tells it to stop', async () => {
    const clock = createTestClock();
    let stopped: AbortSignal | undefined;
    const verdict = await judge('It hangs', world(clock), (signal) => {
      stopped = signal;
      return new Promise(() => {});
    });
    expect(verdict).toMatchObject({ verdict: 'failed', detail: 'not done after 200 s' });
    expect(stopped?.aborted).toBe(true);
  });

  it('throws the reason where all is aborted: that is no verdict', async () => {
    const tools = world();
    const judged = judge('It is stopped', tools, () => new Promise(() => {}));
    tools.abort.abort(new Error('Ctrl-C'));
    await expect(judged).rejects.toThrow('Ctrl-C');
  });
});

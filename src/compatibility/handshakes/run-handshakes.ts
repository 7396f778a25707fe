// SPDX-License-Identifier: Apache-2.0
import type { CryptoMode } from '#build';
import { parseManifests } from '#kubernetes';
import { type CellRequest, type CellRun, runCell } from '../harness/run-cell.ts';
import type { RunnableRevision } from '../harness/controllers.ts';
import { playHandshakes } from './play-handshakes.ts';
import type { Handshakes } from './result.ts';
import { openTrials, type Trials } from './trials.ts';

/** The controller whose handshakes are looked at: the one that fetches from outside. */
export const HANDSHAKING = 'source-controller';

/** What is run; of the revision's images, only {@link HANDSHAKING}'s is needed. */
export interface HandshakesRequest extends Omit<CellRequest, 'scenario' | 'previous'> {
  /** How the image's cryptography is built. */
  readonly mode: CryptoMode;
}

/** How it went; without results where the controller did not start, which `steps` tells. */
export interface HandshakesRun extends CellRun {
  readonly handshakes: Handshakes | undefined;
}

/**
 * Starts source-controller from its image on a fresh API server, with the rights and arguments of the install manifests, and has it
 * fetch from servers that each offer one thing. Everything has ended when this is over. Throws what {@link runCell} throws, and what
 * keeps the servers from starting.
 */
export async function runHandshakes(request: HandshakesRequest): Promise<HandshakesRun> {
  let trials: Trials | undefined;
  let handshakes: Handshakes | undefined;
  try {
    const run = await runCell({
      ...request,
      revision: only(HANDSHAKING, request.revision),
      async scenario(scenarioRequest) {
        trials = await openTrials(scenarioRequest);
        handshakes = await playHandshakes(scenarioRequest, trials, request.mode);
        return [];
      },
    });
    return { ...run, handshakes };
  } finally {
    await trials?.stop(); // after the controller, which tells of its last events before it ends
  }
}

/** Gives the revision as if it ran one controller only: all else that the manifests hold stays. */
function only(component: string, { revision, manifests, images }: RunnableRevision): RunnableRevision {
  const objects = parseManifests(manifests, `install manifests of ${revision}`);
  const kept = objects.filter(({ kind, metadata }) => kind !== 'Deployment' || metadata.name === component);
  return { revision, manifests: kept.map((object) => JSON.stringify(object)).join('\n---\n'), images };
}

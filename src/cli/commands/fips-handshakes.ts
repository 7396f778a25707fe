// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { attachCompatibility, type HandshakesOutcome, testHandshakes } from '#factory';
import { type Desk, type DeskFlags, openDesk, startersOf } from '../compat-desk.ts';
import { openSubject } from '../compat-subject.ts';
import { VERDICT_EXIT_CODE } from '../exit-codes.ts';
import { formatHandshakes } from '../handshakes-text.ts';
import { type OutputFlags, print, withProgress } from '../session.ts';
import { requireSigner, type SigningFlags } from '../signer.ts';
import type { World } from '../world.ts';

interface HandshakesFlags extends Omit<DeskFlags, 'kubernetes'>, OutputFlags, Omit<SigningFlags, 'sign'> {
  readonly kubernetes?: string;
  readonly out: string;
  readonly attach?: boolean;
}

/** `oakum fips handshakes`: what a release's source-controller takes of TLS and SSH, each offered alone; the exit code is the verdict. */
export async function measureHandshakes(version: string, flags: HandshakesFlags, world: World): Promise<void> {
  const records = await withProgress(flags, world, async (report) => {
    const { kubernetes, ...others } = flags;
    const chosen = kubernetes === undefined ? {} : { kubernetes: [kubernetes] };
    const desk = await openDesk(version, { ...others, ...chosen }, { world, report, minors: 1 });
    const outcomes: HandshakesOutcome[] = [];
    for (const channel of desk.channels) outcomes.push(await measureChannel(channel, desk, flags, world));
    return outcomes.map(({ record }) => record);
  });
  print(flags, records, () => formatHandshakes(records));
  if (records.some(({ verdict }) => verdict === 'failed')) process.exitCode = VERDICT_EXIT_CODE;
}

async function measureChannel(
  channel: string,
  { shop, definition, lock, minors, release }: Desk,
  flags: HandshakesFlags,
  world: World,
): Promise<HandshakesOutcome> {
  const parts = { definition, lock, platform: shop.machine.platform, shop };
  const { subject, targets } = await openSubject(release, channel, parts);
  const signer = await requireSigner(flags, world, shop.report);
  const outcome = await testHandshakes(
    {
      ...parts,
      subject,
      crypto: definition.channels[channel]?.crypto ?? 'none',
      minor: minors[0] ?? '',
      signer,
      output: resolve(world.workingFolder, flags.out),
      ...startersOf(world),
    },
    shop,
  );
  if (flags.attach) {
    const { record, statement } = outcome;
    const about = statement.subject.map(({ digest }) => `sha256:${digest.sha256}`);
    const ours = targets.filter(({ root }) => about.includes(root.descriptor.digest));
    await attachCompatibility([{ ...outcome, cell: record }], ours, { signer, shop });
  }
  return outcome;
}

// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Offer } from './offer.ts';
import { SSH_OFFERS } from './ssh-offers.ts';
import { TLS_OFFERS } from './tls-offers.ts';

const PAGE = join(import.meta.dirname, '../../../docs/fips-handshakes.md');

/** The columns of the page's table, by what channels without and with FIPS mode answer. */
const COLUMNS = ['accepted accepted', 'accepted refused', 'refused refused'];

describe('the published table', () => {
  it('has each offer once, where the measured channels must have it', async () => {
    const lines = (await readFile(PAGE, 'utf8')).split('\n').filter((line) => /^\| (?:TLS|SSH) .*`/.test(line));
    const published = lines.flatMap((line) => {
      const [, what, ...cells] = line.split('|').map((cell) => cell.trim());
      return cells.flatMap((cell, column) =>
        [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => `${what} ${name}: ${COLUMNS[column]}`),
      );
    });
    const wanted = [...TLS_OFFERS, ...SSH_OFFERS].map(
      ({ protocol, aspect, name, expected }: Offer) =>
        `${protocol} ${aspect} ${name}: ${expected.none} ${expected.fips140}`,
    );
    expect(published.sort()).toEqual(wanted.sort());
  });
});

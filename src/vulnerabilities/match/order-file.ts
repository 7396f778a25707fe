// SPDX-License-Identifier: Apache-2.0
import { VulnerabilityError } from '../error.ts';
import { versionOrder, type VersionScheme } from './version-order.ts';

/** What checking a file of ordered pairs gave: how many pairs, and the first that is wrong. */
export interface OrderReading {
  readonly pairs: number;
  readonly wrong?: { readonly line: number; readonly text: string; readonly found: string };
}

const LINE = /^(\S+)\s+(<|=|>)\s+(\S+)$/;

/**
 * Checks lines `A < B`, `A = B` and `A > B` against a version order; empty lines and those that begin with # or // are skipped. Both
 * directions of each pair are compared. Throws `ORDER_FILE_INVALID` for any other line, and where there is no pair.
 */
export function checkOrder(text: string, scheme: VersionScheme, where: string): OrderReading {
  const order = versionOrder(scheme);
  let pairs = 0;
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || /^(?:#|\/\/)/.test(line)) continue;
    const [, a, sign, b] = LINE.exec(line) ?? [];
    if (a === undefined || sign === undefined || b === undefined)
      throw new VulnerabilityError(
        'ORDER_FILE_INVALID',
        `${JSON.stringify(line.slice(0, 80))} is no line like "A < B"`,
        {
          where: `${where}:${index + 1}`,
        },
      );
    pairs += 1;
    const [found, reversed] = [signOf(order.compare(a, b)), signOf(-order.compare(b, a))];
    const wrong = [found, reversed].find((one) => one !== sign);
    if (wrong !== undefined) return { pairs, wrong: { line: index + 1, text: line, found: `${a} ${wrong} ${b}` } };
  }
  if (pairs === 0) throw new VulnerabilityError('ORDER_FILE_INVALID', 'it holds no pair of versions', { where });
  return { pairs };
}

function signOf(order: number): '<' | '=' | '>' {
  return order < 0 ? '<' : order > 0 ? '>' : '=';
}

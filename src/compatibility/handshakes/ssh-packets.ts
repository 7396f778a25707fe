// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { sshStrings } from '../scenario/servers/ssh-keys.ts';

/** What one side of SSH says that it takes, in its order. */
export type SshCapabilities = {
  readonly keyExchanges: readonly string[];
  readonly hostKeys: readonly string[];
  readonly ciphers: readonly string[];
  readonly macs: readonly string[];
};

/** Numbers of messages (RFC 4250 4.1.2, RFC 5656 7.1). */
export const MESSAGE = { disconnect: 1, kexInit: 20, newKeys: 21, exchangeInit: 30, exchangeReply: 31 } as const;

const MAX_IDENTIFICATION = 255;
const MAX_PACKET = 35_000;
const COOKIE_BYTES = 16;
const BLOCK = 8;
const LEAST_PADDING = 4;

/** Takes what was received first; gives the identification line without its end, and the rest (RFC 4253 4.2); undefined while incomplete. */
export function readIdentification(bytes: Buffer): { readonly line: string; readonly rest: Buffer } | undefined {
  const end = bytes.indexOf('\n');
  if (end > MAX_IDENTIFICATION || (end < 0 && bytes.length > MAX_IDENTIFICATION))
    throw new RangeError('no identification of SSH');
  if (end < 0) return undefined;
  return { line: bytes.subarray(0, end).toString('latin1').replace(/\r$/, ''), rest: bytes.subarray(end + 1) };
}

/** Takes bytes; gives the payload of the packet at their start, not encrypted (RFC 4253 6), and the rest; undefined while incomplete. */
export function readPacket(bytes: Buffer): { readonly payload: Buffer; readonly rest: Buffer } | undefined {
  if (bytes.length < 5) return undefined;
  const length = bytes.readUInt32BE(0);
  const padding = bytes.readUInt8(4);
  if (length > MAX_PACKET || length < padding + 2) throw new RangeError('no packet of SSH');
  if (bytes.length < 4 + length) return undefined;
  return { payload: bytes.subarray(5, 4 + length - padding), rest: bytes.subarray(4 + length) };
}

/** Gives a packet, not encrypted. */
export function formatPacket(payload: Buffer): Buffer {
  const short = BLOCK - ((5 + payload.length) % BLOCK);
  const padding = short < LEAST_PADDING ? short + BLOCK : short;
  const head = Buffer.alloc(5);
  head.writeUInt32BE(1 + payload.length + padding);
  head.writeUInt8(padding, 4);
  return Buffer.concat([head, payload, Buffer.alloc(padding)]);
}

/** Gives the strings that a payload holds from an offset on (RFC 4251 5). Throws RangeError where one is cut short. */
export function readStrings(payload: Buffer, from: number, count: number): readonly Buffer[] {
  const found: Buffer[] = [];
  let at = from;
  while (found.length < count) {
    const end = at + 4 + payload.readUInt32BE(at);
    if (end > payload.length) throw new RangeError('a string of SSH is longer than its packet');
    found.push(payload.subarray(at + 4, end));
    at = end;
  }
  return found;
}

/** Gives what a payload of SSH_MSG_KEXINIT says (RFC 4253 7.1), of the client's direction. Throws RangeError for another. */
export function readKexInit(payload: Buffer): SshCapabilities {
  if (payload[0] !== MESSAGE.kexInit) throw new RangeError('no KEXINIT');
  const lists = readStrings(payload, 1 + COOKIE_BYTES, 6).map((text) => text.toString('latin1').split(','));
  const [keyExchanges = [], hostKeys = [], ciphers = [], , macs = []] = lists;
  return { keyExchanges, hostKeys, ciphers, macs };
}

/** Gives a payload of SSH_MSG_KEXINIT. */
export function formatKexInit({ keyExchanges, hostKeys, ciphers, macs }: SshCapabilities): Buffer {
  const both = (list: readonly string[]) => [list.join(','), list.join(',')];
  return Buffer.concat([
    Buffer.of(MESSAGE.kexInit),
    randomBytes(COOKIE_BYTES),
    sshStrings(keyExchanges.join(','), hostKeys.join(','), ...both(ciphers), ...both(macs), ...both(['none']), '', ''),
    Buffer.alloc(5), // no guessed packet follows, and four bytes of reserve
  ]);
}

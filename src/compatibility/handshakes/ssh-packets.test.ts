// SPDX-License-Identifier: Apache-2.0
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatKexInit,
  formatPacket,
  readIdentification,
  readKexInit,
  readPacket,
  readStrings,
} from './ssh-packets.ts';

const payloads = fc.uint8Array({ minLength: 1, maxLength: 3000 }).map((bytes) => Buffer.from(bytes));

describe('packets of SSH', () => {
  it('are whole blocks with enough padding, and read as what was written', () => {
    fc.assert(
      fc.property(payloads, payloads, (payload, after) => {
        const packet = formatPacket(payload);
        expect(packet.length % 8).toBe(0);
        expect(packet.length).toBeGreaterThanOrEqual(16);
        expect(packet.readUInt8(4)).toBeGreaterThanOrEqual(4);
        expect(readPacket(Buffer.concat([packet, after]))).toEqual({ payload, rest: after });
        expect(readPacket(packet.subarray(0, -1))).toBeUndefined();
      }),
    );
  });

  it.each([
    ['longer than any', '7fffffff04'],
    ['all padding', '0000000604'.replace('04', '05')],
  ])('are refused where one is %s', (_, hex) => {
    expect(() => readPacket(Buffer.from(hex, 'hex'))).toThrow(RangeError);
  });

  it('hold strings, of which none is longer than the packet', () => {
    expect(readStrings(Buffer.from('0000000161', 'hex'), 0, 1)).toEqual([Buffer.from('a')]);
    expect(() => readStrings(Buffer.from('0000000261', 'hex'), 0, 1)).toThrow(RangeError);
    expect(() => readStrings(Buffer.from('0000000161', 'hex'), 0, 2)).toThrow(RangeError);
  });
});

describe('KEXINIT', () => {
  it('reads as what was written, with another cookie each time', () => {
    const wanted = { keyExchanges: ['a', 'b'], hostKeys: ['c'], ciphers: ['d', 'e'], macs: ['f'] };
    expect(readKexInit(formatKexInit(wanted))).toEqual(wanted);
    expect(formatKexInit(wanted)).not.toEqual(formatKexInit(wanted));
    expect(() => readKexInit(Buffer.of(21))).toThrow(RangeError);
  });
});

describe('the identification of SSH', () => {
  it('is one line, with or without a carriage return', () => {
    expect(readIdentification(Buffer.from('SSH-2.0-Go\r\nrest'))).toEqual({
      line: 'SSH-2.0-Go',
      rest: Buffer.from('rest'),
    });
    expect(readIdentification(Buffer.from('SSH-2.0-Go\n'))?.line).toBe('SSH-2.0-Go');
    expect(readIdentification(Buffer.from('SSH-2.0'))).toBeUndefined();
    expect(() => readIdentification(Buffer.alloc(256, 'x'))).toThrow(RangeError);
  });
});

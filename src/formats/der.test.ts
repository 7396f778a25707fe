// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { DER, der, derBits, derIdentifier, derInteger, derSequence, derSet, readDer, readDerValues } from './der.ts';
import { preAuthEncoding, toDsseEnvelope } from './dsse.ts';

describe('the DER writer', () => {
  it('writes integers as X.690 8.3 does: shortest, and never negative', () => {
    const hex = (value: number | Uint8Array) => derInteger(value).toString('hex');
    expect([hex(0), hex(127), hex(128), hex(256)]).toEqual(['020100', '02017f', '02020080', '02020100']);
    expect(hex(Buffer.from('0000ff', 'hex'))).toBe('020200ff');
    expect(hex(2 ** 40)).toBe('0206010000000000');
  });

  it('writes identifiers and long lengths', () => {
    expect(derIdentifier('1.2.840.113549.1.7.2').toString('hex')).toBe('06092a864886f70d010702');
    expect(derIdentifier('1.3.6.1.4.1.57264.1.8').toString('hex')).toBe('060a2b0601040183bf300108');
    expect(der(DER.octetString, Buffer.alloc(300)).subarray(0, 4).toString('hex')).toBe('0482012c');
    expect(der(DER.octetString, Buffer.alloc(200)).subarray(0, 3).toString('hex')).toBe('0481c8');
  });

  it('orders the members of a set', () => {
    expect(derSet(derInteger(2), derInteger(1))).toEqual(der(DER.set, derInteger(1), derInteger(2)));
  });
});

describe('the DER reader', () => {
  it("takes Node's own key encoding apart and together again", () => {
    const bytes = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' });
    const [algorithm, key] = readDerValues(readDer(bytes).content);
    expect(algorithm?.content).toEqual(derIdentifier('1.3.101.112'));
    expect(
      derSequence(algorithm?.bytes ?? Buffer.alloc(0), derBits(key?.content.subarray(1) ?? Buffer.alloc(0))),
    ).toEqual(bytes);
  });

  it.each([
    ['a length beyond the end', '3005020100'],
    ['no length', '30'],
    ['an indefinite length', '308002010000'],
    ['a length of five bytes', '3085010000000000'],
    ['a high tag number', '1f8101'],
    ['bytes after the value', '02010000'],
    ['nothing', ''],
  ])('refuses %s', (_, hex) => {
    expect(() => readDer(Buffer.from(hex, 'hex'))).toThrow(expect.objectContaining({ code: 'DER_INVALID' }));
  });
});

describe('the DSSE encoder', () => {
  it("gives the example of the specification's protocol.md", () => {
    expect(preAuthEncoding('http://example.com/HelloWorld', Buffer.from('hello world')).toString()).toBe(
      'DSSEv1 29 http://example.com/HelloWorld 11 hello world',
    );
  });

  it('counts bytes, not characters', () => {
    expect(preAuthEncoding('é', Buffer.from('ü!')).toString()).toBe('DSSEv1 2 é 3 ü!');
  });

  it('writes no key id', () => {
    expect(toDsseEnvelope('t', Buffer.from('p'), Buffer.from('s'))).toEqual({
      payloadType: 't',
      payload: 'cA==',
      signatures: [{ sig: 'cw==' }],
    });
  });
});

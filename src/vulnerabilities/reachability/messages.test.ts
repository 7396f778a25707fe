// SPDX-License-Identifier: Apache-2.0
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { configMessage, findingMessage, osvMessage, SBOM_MESSAGE, streamOf } from './__fixtures__/output.ts';
import { MAX_OUTPUT_BYTES, readToolOutput } from './messages.ts';

const refusal = (message: RegExp) =>
  expect.objectContaining({ code: 'REACHABILITY_INVALID', message: expect.stringMatching(message) });
const LIB = { module: 'example.com/lib', version: 'v1.2.0' };
const [config, osv, finding] = [configMessage(), osvMessage('GO-2026-0001'), findingMessage('GO-2026-0001', [LIB])];

describe("the reader of the tool's output", () => {
  it('reads a stream, whatever its progress messages and white space', () => {
    const plain = readToolOutput(streamOf(config, SBOM_MESSAGE, osv, finding));
    expect(plain.findings).toEqual([{ osv: 'GO-2026-0001', trace: [LIB] }]);
    expect(plain.modules).toContainEqual({ path: 'example.com/lib', version: 'v1.2.0' });
    const chatty = streamOf(config, { progress: { message: 'a "}" in \\ text' } }, SBOM_MESSAGE, osv, finding);
    expect(readToolOutput(chatty)).toEqual(plain);
    const dense = Buffer.from([config, SBOM_MESSAGE, osv, finding].map((one) => JSON.stringify(one)).join(''));
    expect(readToolOutput(dense)).toEqual(plain);
  });

  it.each([
    ['nothing', [], /ends before/],
    ['no list of modules', [config], /ends before/],
    ['two lists of modules', [config, SBOM_MESSAGE, SBOM_MESSAGE], /twice/],
    ['a finding before the configuration', [SBOM_MESSAGE, config], /first message/],
    ['two configurations', [config, config], /first message/],
    ['another protocol', [configMessage({ protocol_version: 'v2.0.0' }), SBOM_MESSAGE], /protocol "v2.0.0"/],
    ['another mode', [configMessage({ scan_mode: 'binary' }), SBOM_MESSAGE], /message 1 is not/],
    ['another level', [configMessage({ scan_level: 'module' }), SBOM_MESSAGE], /message 1 is not/],
    ['a kind of message that is not known', [config, SBOM_MESSAGE, { verdict: 'clean' }], /message 3 is not/],
    ['a message of two kinds', [config, { ...SBOM_MESSAGE, progress: {} }], /message 2 is not/],
    ['a finding without a trace', [config, SBOM_MESSAGE, osv, findingMessage('GO-2026-0001', [])], /message 4 is not/],
    ['a finding of an advisory that was not shown', [config, SBOM_MESSAGE, finding], /"GO-2026-0001", which was not/],
  ])('refuses %s', (_, messages, fault) => {
    expect(() => readToolOutput(streamOf(...messages))).toThrow(refusal(fault));
  });

  it.each([
    ['no JSON', 'govulncheck: no such file\n', /no JSON/],
    ['a list', '[1]', /message 1 is not/],
    ['a bracket too many', `${JSON.stringify(config)}}`, /no JSON/],
    ['text between messages', `${JSON.stringify(config)} and`, /no JSON/],
    ['mismatched brackets', '{"config":[}]', /no JSON/],
    ['a stream that is cut short', JSON.stringify(config).slice(0, -2), /cut short/],
    ['a text that never ends', `{"config":"${'x'.repeat(1000)}`, /cut short/],
    ['JSON that is nested too deep', '{"a":'.repeat(100_000), /nested more than 64/],
  ])('refuses %s', (_, text, fault) => {
    expect(() => readToolOutput(Buffer.from(text))).toThrow(refusal(fault));
  });

  it('refuses what is too long, and bytes that are no UTF-8', () => {
    expect(() => readToolOutput(new Uint8Array(MAX_OUTPUT_BYTES + 1))).toThrow(refusal(/longer than/));
    expect(() => readToolOutput(Buffer.from('{"progress":{"message":"\xff"}}', 'latin1'))).toThrow(refusal(/no JSON/));
  });

  it('throws nothing but its own error, whatever the bytes', () => {
    const whole = streamOf(config, SBOM_MESSAGE, osv, finding);
    const damaged = fc
      .tuple(fc.nat({ max: whole.length - 1 }), fc.uint8Array({ maxLength: 12 }), fc.nat({ max: 40 }))
      .map(([at, bytes, skip]) => Buffer.concat([whole.subarray(0, at), bytes, whole.subarray(at + skip)]));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged), (bytes) => {
        try {
          readToolOutput(bytes);
        } catch (error) {
          expect(error).toMatchObject({ code: 'REACHABILITY_INVALID' });
        }
      }),
      { numRuns: 500 },
    );
  });
});

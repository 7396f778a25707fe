// SPDX-License-Identifier: Apache-2.0
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatPins } from '#release';
import { releaseDocument } from '#testing';
import { channelsOfPins, pinFaults } from './read-pins.ts';

const document = releaseDocument('2.9.2-r1');
const images = document.channels['fips']?.images ?? [];
const text = formatPins(images.map(({ name, version, digest }) => ({ name, tag: version, digest })));
const faults = (edited: string) =>
  pinFaults(edited, 'pins.yaml', { document, channels: ['fips'] }).map(({ where, message }) => `${where}: ${message}`);

describe('image pins against a release document', () => {
  it('agree as they are published, under either tag', () => {
    expect(faults(text)).toEqual([]);
    expect(faults(text.replaceAll('newTag: v1.9.2', 'newTag: v1.9.2-r1'))).toEqual([]);
    expect(faults(`# by hand\n${text}`)).toEqual([]);
    expect(channelsOfPins(text, document)).toEqual(['fips']);
  });

  it.each<[string, (text: string) => string, RegExp]>([
    [
      'another digest',
      (one) => one.replace(/sha256:\w/, 'sha256:_'),
      /^pins\.yaml:4:13: alpha is sha256:\w{64} in the/,
    ],
    [
      'another tag',
      (one) => one.replace('newTag: v1.9.2', 'newTag: v1.9.1'),
      /^pins\.yaml:3:13: alpha has the tags v1\.9\.2-r1/,
    ],
    [
      'another name',
      (one) => one.replace('fips/alpha', 'fips/gamma'),
      /^pins\.yaml:2:11: 2\.9\.2-r1 has no image \S+gamma/,
    ],
    [
      'one that is missing',
      (one) => one.split('\n').slice(0, 4).join('\n'),
      /^pins\.yaml:1:1: \S+\/beta is not pinned/,
    ],
    ['one that is there twice', (one) => one + one.split('\n').slice(1).join('\n'), /alpha is pinned twice/],
    ['an unknown member', (one) => one.replace('newTag', 'newtag'), /unknown key "newtag"/],
    ['no YAML', () => 'images: [', /^pins\.yaml:/],
    ['no pins', () => '[]', /^pins\.yaml:1:1: /],
  ])('name the place of %s', (_, edit, message) => {
    expect(faults(edit(text)).join('\n')).toMatch(message);
  });

  it('never throw, whatever the file holds', () => {
    const anything = fc.oneof(
      fc.string(),
      fc.json(),
      fc.nat(text.length).map((length) => text.slice(length)),
    );
    fc.assert(
      fc.property(anything, (edited) => {
        if (edited !== text) expect(faults(edited)).not.toEqual([]);
      }),
    );
  });
});

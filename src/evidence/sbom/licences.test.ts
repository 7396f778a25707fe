// SPDX-License-Identifier: Apache-2.0
import list from 'spdx-license-list/full.js';
import { describe, expect, it } from 'vitest';
import { findLicences, isLicenceFile, readLicence } from './licences.ts';

const text = (id: string) => list[id]?.licenseText ?? '';
const filled = (id: string) =>
  text(id)
    .replaceAll('<year>', '2024')
    .replaceAll(/<(?:owner|copyright holders)>/g, 'The Example Authors')
    .replaceAll('the copyright holder nor', 'Example Inc. nor');

describe('the licence reader', () => {
  it.each([
    'MIT',
    'MIT-0',
    'JSON',
    'X11',
    'BSD-2-Clause',
    'BSD-3-Clause',
    'BSD-4-Clause',
    'ISC',
    'Apache-2.0',
    'MPL-2.0',
    'Unlicense',
    'CC0-1.0',
    'Zlib',
    'BSL-1.0',
    'EPL-2.0',
    'CC-BY-SA-4.0',
  ])('recognises %s, filled in, wrapped otherwise and as a comment', (id) => {
    const reading = { licences: [id], certain: true };
    expect(readLicence(filled(id))).toEqual(reading);
    const words = filled(id).replaceAll(/[ \t]+/g, ' ');
    const wrapped = words.replaceAll(/(?=\S)(.{1,50})(?: |$)/gm, '// $1\n');
    expect(readLicence(wrapped)).toEqual(reading);
    expect(
      readLicence(`# Some Package\n\nCopyright (c) 2012-2024 Jane Doe <jane@example.com>\n\n${filled(id)}`),
    ).toEqual(reading);
  });

  it('knows Apache-2.0 without its appendix, and by its notice alone', () => {
    const [terms = '', appendix = ''] = text('Apache-2.0').split('END OF TERMS AND CONDITIONS');
    const notice = appendix.slice(appendix.indexOf('Licensed under'));
    for (const part of [
      terms,
      `${terms}END OF TERMS AND CONDITIONS\n`,
      `${terms}\n\nCopyright 2013 Example, Inc.\n\n${notice}`,
      notice,
    ]) {
      expect(readLicence(part)).toEqual({ licences: ['Apache-2.0'], certain: true });
    }
  });

  it.each([
    ['a condition put in', filled('MIT').replace('subject to the', 'for academic research only, subject to the')],
    ['a term taken out', filled('BSD-3-Clause').replace('Neither the name of Example Inc. nor the names', 'The names')],
    ['a permission turned round', filled('ISC').replace('is hereby granted', 'is not hereby granted')],
    [
      'a clause of commerce behind it',
      `${filled('Apache-2.0')}\nThe License does not include the right to Sell the Software.`,
    ],
    [
      'a long text that nobody knows beside it',
      `${filled('MIT')}\n${'This part follows the wishes of its makers. '.repeat(20)}`,
    ],
  ])('is not certain of a licence with %s', (_, changed) => {
    expect(readLicence(changed).certain).toBe(false);
  });

  it('is not certain which of two licences with one text is meant', () => {
    expect(readLicence(text('GPL-2.0-only')).certain).toBe(false);
  });

  it('is not certain of other texts, short or endless', () => {
    for (const other of ['', 'All rights reserved.', 'See LICENSE.', 'x '.repeat(600_000)]) {
      expect(readLicence(other)).toEqual({ licences: [], certain: false });
    }
  });

  it('finds two licences in one file, with the words between them', () => {
    const both = `This project is covered by two different licenses: MIT and Apache.\n\n#### MIT License ####\n\nThe following files were ported from C, and are thus still covered by their original license:\n\n    a.go b.go\n\n${filled('MIT')}\n\n### Apache License ###\n\nAll the remaining project files are covered by the Apache license:\n\n${text('Apache-2.0')}`;
    expect(readLicence(both)).toEqual({ licences: ['Apache-2.0', 'MIT'], certain: true });
  });

  it('joins what the files of a module say', async () => {
    const files = [
      { name: 'NOTICE', text: 'Some product.' },
      { name: 'LICENSE.libyaml', text: filled('MIT') },
      { name: 'LICENSE', text: filled('Apache-2.0') },
      { name: 'license.go', text: 'package license' },
    ];
    expect(await findLicences(files)).toEqual({
      expression: 'Apache-2.0 AND MIT',
      files: [
        { name: 'LICENSE', licences: ['Apache-2.0'], certain: true },
        { name: 'LICENSE.libyaml', licences: ['MIT'], certain: true },
      ],
    });
    const unknown = { name: 'COPYING', text: 'Ask me.' };
    expect(await findLicences([...files, unknown])).toMatchObject({ expression: 'NOASSERTION' });
    expect(await findLicences([])).toEqual({ expression: 'NOASSERTION', files: [] });
  });

  it.each(['LICENSE', 'LICENCE.txt', 'license.md', 'COPYING', 'LICENSE-MIT', 'UNLICENSE', 'Licence'])(
    'looks at %s',
    (name) => {
      expect(isLicenceFile(name)).toBe(true);
    },
  );

  it.each(['NOTICE', 'licenses.go', 'license-check.yml', 'LICENSE_list.csv', 'README.md', 'COPYRIGHT'])(
    'passes over %s',
    (name) => {
      expect(isLicenceFile(name)).toBe(false);
    },
  );
});

// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import {
  compareGoVersions,
  compareModuleVersions,
  isCanonicalModuleVersion,
  isModuleVersion,
  majorOf,
  readPseudoVersion,
} from './go-version.ts';

describe('the order of module versions', () => {
  it('is the one of semver 2.0.0 clause 11, with pseudo-versions and +incompatible as x/mod has them', () => {
    const ordered = [
      'bad',
      'v0.0.0-20220411205349-bde1400a84be',
      'v0.0.0-20231025023718-d50d2fec9c98',
      'v1.0.0-alpha',
      'v1.0.0-alpha.1',
      'v1.0.0-alpha.beta',
      'v1.0.0-beta',
      'v1.0.0-beta.2',
      'v1.0.0-beta.11',
      'v1.0.0-rc.1',
      'v1.0.0',
      'v1.0.1-0.20220411205349-bde1400a84be',
      'v1.0.1',
      'v1.2.0',
      'v1.10.0',
      'v29.5.3+incompatible',
      'v99999999999999999998.0.0',
      'v99999999999999999999.0.0',
    ];
    for (const [i, a] of ordered.entries()) {
      for (const [j, b] of ordered.entries()) {
        expect(Math.sign(compareModuleVersions(a, b)), `${a} ${b}`).toBe(Math.sign(i - j));
      }
    }
    expect(compareModuleVersions('v1', 'v1.0.0')).toBe(0);
    expect(compareModuleVersions('v1.0.0+a', 'v1.0.0')).toBe(0);
  });

  it('knows valid and canonical forms', () => {
    for (const text of ['1.0.0', 'v1.0', 'v01.0.0', 'v1.0.0-01', 'v1.0.0+meta', 'v1.0.0-', 'v1.0.0/..']) {
      expect(isCanonicalModuleVersion(text), text).toBe(false);
    }
    for (const text of ['v1.0.0', 'v2.0.0+incompatible', 'v0.0.1-go1.27.3.linux-amd64']) {
      expect(isCanonicalModuleVersion(text), text).toBe(true);
    }
    expect(isModuleVersion('v1.2')).toBe(true);
    expect(majorOf('v12.3.4')).toBe('v12');
  });

  it('reads time and commit out of pseudo-versions of all three forms, and nothing out of others', () => {
    const forms = [
      'v0.0.0-20191109021931-daa7c04131f5',
      'v1.2.3-pre.0.20191109021931-daa7c04131f5',
      'v1.2.4-0.20191109021931-daa7c04131f5',
    ];
    for (const form of [...forms, 'v2.0.1-0.20191109021931-daa7c04131f5+incompatible']) {
      expect(readPseudoVersion(form), form).toEqual({ time: new Date('2019-11-09T02:19:31Z'), commit: 'daa7c04131f5' });
    }
    for (const other of ['v1.2.3', 'v1.2.3-20191109021931-daa7c04131f5', 'v1.0.0-rc.1']) {
      expect(readPseudoVersion(other), other).toBeUndefined();
    }
  });
});

describe('the order of Go versions', () => {
  it('puts the language before its candidates, and those before the release', () => {
    const ordered = [
      '1.19',
      '1.20rc1',
      '1.20',
      '1.20.1',
      '1.21',
      '1.21rc2',
      '1.21.0',
      'go1.27',
      'go1.27rc1',
      '1.27.0',
      'go1.27.3',
      '1.27.10',
    ];
    for (const [i, a] of ordered.entries()) {
      for (const [j, b] of ordered.entries()) {
        expect(Math.sign(compareGoVersions(a, b)), `${a} ${b}`).toBe(Math.sign(i - j));
      }
    }
  });
});

// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { OakumError } from '#core';
import { EXIT_CODES } from './exit-codes.ts';
import { formatFailure, toFailure } from './failure.ts';

describe('a failure', () => {
  it('shows nothing that steers the terminal, whoever wrote the message', () => {
    const error = new OakumError('build', 'X', 'first\n\tsecond \u001b]0;title\u0007\u001b[2J\r\u202Ereversed', {
      where: 'a\u009bb',
    });
    const text = formatFailure(toFailure(error));
    expect(text).toContain('first\n\tsecond ');
    expect(text).not.toMatch(/[\u001b\u0007\r\u202E\u009b]/);
  });

  it.each(['EACCES', 'EPERM', 'EROFS'])('of the machine is no defect: %s', (code) => {
    const failure = toFailure(Object.assign(new Error(code), { code, path: '/closed' }));
    expect(failure).toMatchObject({ code: 'FILE_REFUSED', where: '/closed', exitCode: EXIT_CODES.machine.code });
  });
});

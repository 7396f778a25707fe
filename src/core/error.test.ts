// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { redact } from './error.ts';

describe('redact', () => {
  it.each([
    ['https://me:s3cret@host/path', 'https://host/path'],
    ['Authorization: Bearer abcdefgh.s3cret', 'Authorization: Bearer ***'],
    ['https://host/?access_token=s3cret&x=1', 'https://host/?access_token=***&x=1'],
    ['https://host/?a=1&private_token=s3cret', 'https://host/?a=1&private_token=***'],
    ['https://host/?client_secret=s3cret', 'https://host/?client_secret=***'],
    ['https://host/?X-Amz-Signature=s3cret', 'https://host/?X-Amz-Signature=***'],
    ['https://host/?sv=2024&sig=s3cret', 'https://host/?sv=2024&sig=***'],
  ])('masks what could let somebody in: %s', (text, shown) => {
    expect(redact(text)).toBe(shown);
  });

  it('leaves everything else', () => {
    const text = 'https://host/v2/a/manifests/v1?n=1000&last=config&design=1';
    expect(redact(text)).toBe(text);
  });
});

// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readKubeconfig } from '#kubernetes';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oakum-kubeconfig-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function write(name: string, text: string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, text);
  return file;
}

const CONTEXT = 'contexts: [{name: c, context: {cluster: k, user: u, namespace: apps}}]\ncurrent-context: c\n';
const CLUSTER = 'clusters: [{name: k, cluster: {server: "https://10.0.0.1:6443/", certificate-authority: ca.pem}}]\n';
const USER = 'users: [{name: u, user: {token: abc}}]\n';

describe('the kubeconfig reader', () => {
  it('merges files, the first that names something winning, and reads keys beside the file that names them', async () => {
    await write('ca.pem', 'CA');
    const files = [
      await write('one', CONTEXT),
      join(folder, 'missing'),
      await write('two', `${CLUSTER}${USER}`),
      await write('three', 'users: [{name: u, user: {token: other}}]\ncurrent-context: none\n'),
    ];
    expect(await readKubeconfig({ files })).toMatchObject({
      context: 'c',
      server: 'https://10.0.0.1:6443',
      namespace: 'apps',
      ca: 'CA',
      token: 'abc',
      insecure: false,
    });
  });

  it('says which contexts there are when another is named', async () => {
    const files = [await write('four', CONTEXT + CLUSTER + USER)];
    await expect(readKubeconfig({ files, context: 'x' })).rejects.toMatchObject({
      code: 'KUBECONFIG_CONTEXT_UNKNOWN',
      hint: expect.stringContaining('c'),
    });
  });

  it.each([
    ['KUBECONFIG_MISSING', undefined],
    ['KUBECONFIG_INVALID', '{'],
    ['KUBECONFIG_INVALID', 'clusters: 1'],
    ['KUBECONFIG_INVALID', `${CONTEXT}${USER}`],
    ['KUBECONFIG_INVALID', `${CONTEXT}${CLUSTER}`],
    ['KUBECONFIG_INVALID', `${CONTEXT}${USER}${CLUSTER.replace('ca.pem', 'none.pem')}`],
    ['KUBECONFIG_INVALID', `${CONTEXT}${USER}${CLUSTER.replace('https:', 'file:')}`],
    ['KUBECONFIG_CONTEXT_UNKNOWN', ''],
    ['KUBECONFIG_CONTEXT_UNKNOWN', CLUSTER + USER],
    ['CREDENTIAL_UNUSABLE', `${CONTEXT}${CLUSTER}users: [{name: u, user: {auth-provider: {name: gcp}}}]`],
  ])('refuses with %s: %j', async (code, text) => {
    await write('ca.pem', 'CA');
    const file = text === undefined ? join(folder, 'nowhere') : await write('bad', text);
    await expect(readKubeconfig({ files: [file] })).rejects.toMatchObject({
      code,
      where: expect.stringContaining(folder),
    });
  });
});

// SPDX-License-Identifier: Apache-2.0
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runProcess, systemClock } from '#core';
import { makeShellRoot, shellConfig } from './__fixtures__/shell-root.ts';
import { containerCommand, hasProgram, programIn } from './contain.ts';
import { type Service, startService } from './service.ts';

const PATH = process.env['PATH'] ?? '';
const REPORT = `
while read -r name value; do case $name in Uid:|CapEff:|NoNewPrivs:) echo "$name $value";; esac; done < /proc/self/status
read -r token < /var/run/secrets/kubernetes.io/serviceaccount/token; echo "token $token"
read -r authority < /run/oakum/authorities/ca.crt; echo "authority $authority"
read -r hosts < /etc/hosts; echo "hosts $hosts"
echo "env $FROM_IMAGE $FROM_POD $OAKUM_SECRET"
(echo x > /etc/x) 2>/dev/null || echo "root read-only"
echo x > /data/x && echo "data written"
echo "process $$ args $*"`;
const FOREVER = `trap 'echo asked > /data/end; exit 0' TERM; echo up > /data/up; while :; do read -r line < /data/none; done 2>/dev/null`;

describe('a container without a runtime', () => {
  let folder: string;
  let services: Service[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'oakum-contain-'));
    chmodSync(folder, 0o755);
    services = [];
    makeShellRoot(join(folder, 'root'));
    for (const name of ['data', 'account', 'authorities']) mkdirSync(join(folder, name));
    writeFileSync(join(folder, 'account/token'), 'of-the-pod\n');
    writeFileSync(join(folder, 'authorities/ca.crt'), 'private\n');
  });
  afterEach(async () => {
    await Promise.all(services.map((service) => service.stop()));
    rmSync(folder, { recursive: true, force: true });
  });
  const command = (script: string, user?: string) =>
    containerCommand({
      name: 'a-controller',
      root: join(folder, 'root'),
      config: shellConfig(script, user),
      args: ['--one', 'two words'],
      env: { FROM_POD: 'too' },
      writable: { '/data': join(folder, 'data') },
      readable: { '/run/oakum/authorities': join(folder, 'authorities') },
      account: join(folder, 'account'),
      privileged: process.getuid?.() === 0,
    });
  const start = async (script: string, signal = new AbortController().signal) => {
    const service = startService(
      {
        name: 'a-controller',
        argv: await command(script),
        env: { PATH, OAKUM_SECRET: 'of-the-machine' },
        cwd: folder,
        logFile: join(folder, 'log'),
        leader: programIn,
      },
      { run: runProcess, clock: systemClock(), signal },
    );
    services.push(service);
    return service;
  };

  it("runs the image's program under the image's user, without rights, in the image's root", async () => {
    const argv = await command(REPORT);
    const { stdout, stderr } = await runProcess({ argv, env: { PATH, OAKUM_SECRET: 'of-the-machine' } });
    expect(stderr).toBe('');
    expect(stdout.trim().split('\n')).toEqual([
      'Uid: 65534\t65534\t65534\t65534',
      'CapEff: 0000000000000000',
      'NoNewPrivs: 1',
      'token of-the-pod',
      'authority private',
      'hosts 127.0.0.1 localhost',
      'env yes too ',
      'root read-only',
      'data written',
      'process 1 args --one two words',
    ]);
    expect(readFileSync(join(folder, 'data/x'), 'utf8')).toBe('x\n');
  });

  it('is asked to end, and does what it does then', async () => {
    const service = await start(FOREVER);
    await service.untilReady(async () => existsSync(join(folder, 'data/up')));
    await service.stop();
    expect(readFileSync(join(folder, 'data/end'), 'utf8')).toBe('asked\n');
    expect(service.failure()).toBeUndefined();
  });

  it('is gone once the run is aborted', async () => {
    const abort = new AbortController();
    const service = await start(FOREVER, abort.signal);
    await service.untilReady(async () => existsSync(join(folder, 'data/up')));
    abort.abort(new Error('enough'));
    await service.stop();
    expect(existsSync(join(folder, 'data/end'))).toBe(false);
  });

  it('tells how a program ended by itself, with its last words', async () => {
    const service = await start('echo "no such cluster" >&2; exit 3');
    await expect(service.untilReady(async () => false)).rejects.toMatchObject({
      code: 'PROGRAM_FAILED',
      message: 'a-controller ended with exit code 3:\n  no such cluster',
      where: join(folder, 'log'),
    });
    expect(readFileSync(join(folder, 'log'), 'utf8')).toBe('no such cluster\n');
  });

  it('says that nothing is known of a program that could not be started', async () => {
    const service = await start(REPORT);
    const other = startService(
      {
        name: 'other',
        argv: ['bwrap', '--bind', join(folder, 'none'), '/', 'sh'],
        env: { PATH },
        cwd: folder,
        logFile: join(folder, 'other.log'),
      },
      { run: runProcess, clock: systemClock(), signal: new AbortController().signal },
    );
    services.push(other);
    await expect(other.untilReady(async () => false)).rejects.toMatchObject({
      code: 'PROGRAM_UNSTARTED',
      family: 'machine',
    });
    await expect(service.untilReady(async () => false, [other])).rejects.toMatchObject({ code: 'PROGRAM_UNSTARTED' });
  });

  it.each(['0:0', 'nobody', ''])('is not started for an image whose user is "%s"', async (user) => {
    await expect(command(REPORT, user)).rejects.toMatchObject({ code: 'IMAGE_UNUSABLE' });
  });

  it('is known to have a program where its search path leads to a file or link, which is not followed', async () => {
    const root = join(folder, 'root');
    const config = shellConfig('');
    mkdirSync(join(root, 'usr/bin/folder'), { recursive: true });
    symlinkSync(process.execPath, join(root, 'usr/bin/node'));
    const known = await Promise.all(['sh', 'node', 'folder', 'gpg'].map((name) => hasProgram(root, config, name)));
    expect(known).toEqual([true, true, false, false]);
    expect(await hasProgram(root, { ...config, config: {} }, 'sh')).toBe(false);
  });

  it('makes no mount point through a link of the image', async () => {
    rmSync(join(folder, 'root/etc'), { recursive: true });
    const outside = join(folder, 'outside');
    mkdirSync(outside);
    symlinkSync(outside, join(folder, 'root/etc'));
    await expect(command(REPORT)).rejects.toMatchObject({ code: 'IMAGE_UNUSABLE' });
    expect(existsSync(join(outside, 'hosts'))).toBe(false);
  });
});

// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DefinitionError, definitionJsonSchema, parseDefinition, readDefinition } from '#definition';

const SHIPPED = resolve(import.meta.dirname, '../../distribution.yaml');

/** A definition with thirteen faults; the line of each is checked below. */
const FAULTY = `version: 2
name: Bad_Name
vendor: Oakum
registry: https://registry.example.com
toolchain: 1.27.3
platforms: [linux/amd64, linux/s390x]
components:
  Source-Controller:
    module: github.com/fluxcd/source-controller
  kustomize-controller:
    modul: github.com/fluxcd/kustomize-controller
channels:
  distroless:
    base: alpine
    user: root
bases:
  debian-13:
    kind: debian
    suites: []
    packages: [base-files]
    maxAgeDays: soon
colour: red
`;

function faultsOf(text: string): readonly string[] {
  try {
    parseDefinition(text, 'd.yaml');
  } catch (error) {
    if (error instanceof DefinitionError) return error.faults.map((fault) => `${fault.where}: ${fault.message}`);
    throw error;
  }
  return [];
}

describe('the definition', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'oakum-definition-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('that ships with Oakum is valid and names the seven controllers in the order of the pins', async () => {
    const { definition, digest } = await readDefinition(SHIPPED);
    expect(Object.keys(definition.components)).toEqual([
      'source-controller',
      'kustomize-controller',
      'helm-controller',
      'notification-controller',
      'image-reflector-controller',
      'image-automation-controller',
      'source-watcher',
    ]);
    expect(definition.channels['distroless']?.user).toBe('65534:65534');
    expect(digest).toMatch(/^sha256:/);
  });

  it('tells every fault at once, each with its line and column', () => {
    const faults = faultsOf(FAULTY);
    const lines = faults.map((fault) => Number(fault.split(':')[1]));
    expect(lines).toEqual([1, 2, 4, 5, 6, 8, 11, 11, 14, 15, 19, 21, 22]);
    expect(faults.join('\n')).toContain('d.yaml:14:11: channels.distroless.base: no base "alpine" (known: debian-13)');
    expect(faults.join('\n')).toContain('d.yaml:11:5: components.kustomize-controller: unknown key "modul"');
    expect(faults.join('\n')).toContain('d.yaml:22:1: unknown key "colour"');
  });

  it('tells faults of feeds, and fills in from when on each is too old', async () => {
    const shipped = await readFile(SHIPPED, 'utf8');
    const faulty = `${shipped}
feeds:
  mirror: ''
  maxAgeDays: { kev: 0, nvd: 3 }
  osv: { ecosystems: [../Go], ids: [a/b] }
  alpine: { branches: ['3.23'] }
`;
    expect(faultsOf(faulty)).toHaveLength(6);
    expect(parseDefinition(`${shipped}\nfeeds: { maxAgeDays: { kev: 3 } }\n`, 'd.yaml').feeds).toMatchObject({
      maxAgeDays: { kev: 3, go: 7 },
      osv: { ecosystems: ['Go'], ids: [] },
      alpine: { branches: [] },
    });
  });

  it('tells faults of the SLA, and leaves to the policy what is not named', async () => {
    const shipped = await readFile(SHIPPED, 'utf8');
    const faulty = `${shipped}
sla:
  policy: mine
  within: { critical: 3 weeks, minor: 5 days }
  timeZone: Mars/Olympus
  supportDays: []
  holidays: [2026-02-30]
  overlays: [nis2]
`;
    expect(faultsOf(faulty)).toHaveLength(7);
    expect(parseDefinition(shipped, 'd.yaml').sla).toEqual({ policy: 'from-identification' });
  });

  it('tells faults of the lifecycle, and supports three lines for six Kubernetes minors where nothing is said', async () => {
    const shipped = (await readFile(SHIPPED, 'utf8')).replace(/^lifecycle:\n(?:[ #].*\n)*/m, '');
    const faulty = `${shipped}
lifecycle:
  lines: 0
  lts:
    two: { until: 2027-06-30 }
    '2.6': { until: 2027-02-30, kubernetes: [1.30] }
  overrides:
    - { product: gke, cycle: '1.34', noted: 2026-11-24, source: https://example.com/gke }
    - { product: eks, cycle: '1.34', standard: 2027-01-01, noted: 2026-11-24, source: https://example.com/eks }
    - { product: eks, cycle: '1.34', extended: 2028-01-01, noted: 2026-11-24, source: https://example.com/eks }
    - { product: rancher, cycle: '1.34', released: 2026-01-01, noted: soon, source: x }
`;
    const faults = faultsOf(faulty);
    expect(faults.map((fault) => fault.replace(/^d\.yaml:\d+:\d+: lifecycle\./, ''))).toEqual([
      'lines: Too small: expected number to be >=1',
      expect.stringMatching(/^lts\.two: must be a minor/),
      expect.stringMatching(/^lts\.2\.6\.until: must be a day/),
      expect.stringMatching(/^lts\.2\.6\.kubernetes\.0: must be a minor in quotes/),
      expect.stringMatching(/^overrides\.0: must give at least one/),
      'overrides.2: eks 1.34 is named twice',
      expect.stringMatching(/^overrides\.3\.product: /),
      expect.stringMatching(/^overrides\.3\.noted: must be a day/),
      expect.stringMatching(/^overrides\.3\.source: must say where/),
    ]);
    const from = shipped.split('\n').length;
    expect(faults.map((fault) => Number(fault.split(':')[1]) - from)).toEqual([2, 4, 5, 5, 7, 9, 10, 10, 10]);
    expect(parseDefinition(shipped, 'd.yaml').lifecycle).toEqual({
      lines: 3,
      kubernetes: 6,
      warnDays: 90,
      lts: {},
      overrides: [],
    });
  });

  it('refuses broken YAML, duplicate keys and alias bombs with a place', () => {
    expect(faultsOf('version: 1\n  name: [')[0]).toMatch(/^d\.yaml:\d+:\d+: /);
    expect(faultsOf('version: 1\nversion: 1\n')[0]).toContain('d.yaml:2:1: Map keys must be unique');
    const bomb = [
      'a0: &a0 [x,x,x,x,x,x,x,x,x]',
      ...Array.from(
        { length: 8 },
        (_, i) => `a${i + 1}: &a${i + 1} [${Array.from({ length: 9 }, () => `*a${i}`).join()}]`,
      ),
    ].join('\n');
    expect(faultsOf(bomb).join()).toContain('alias');
  });

  it('names the file that is missing or too large', async () => {
    await expect(readDefinition(join(folder, 'none.yaml'))).rejects.toMatchObject({ code: 'DEFINITION_UNREADABLE' });
    await writeFile(join(folder, 'big.yaml'), 'a'.repeat((1 << 20) + 1));
    await expect(readDefinition(join(folder, 'big.yaml'))).rejects.toMatchObject({ code: 'DEFINITION_UNREADABLE' });
  });

  it('has its JSON Schema for editors committed as the code makes it', async () => {
    const file = resolve(import.meta.dirname, '../../schema/distribution.schema.json');
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(definitionJsonSchema());
  });
});

// SPDX-License-Identifier: Apache-2.0
import { readFile, stat } from 'node:fs/promises';
import { type Digest, digestOf, messageOf } from '#core';
import { type Fault, inFileOrder, type LocatedYaml, locateYaml, toFaults } from '#formats';
import { DefinitionError } from './error.ts';
import { type Definition, definitionSchema } from './schema.ts';

const MAX_BYTES = 1 << 20;

/** A definition as read: its file, its checked content and the digest of its bytes. */
export interface ReadDefinition {
  readonly file: string;
  readonly digest: Digest;
  readonly definition: Definition;
}

/** Reads and checks a definition file. Throws {@link DefinitionError} `DEFINITION_UNREADABLE`, or `DEFINITION_INVALID` with every fault at once. */
export async function readDefinition(file: string): Promise<ReadDefinition> {
  let text: string;
  try {
    if ((await stat(file)).size > MAX_BYTES) throw new Error(`larger than ${MAX_BYTES} bytes`);
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new DefinitionError(
      'DEFINITION_UNREADABLE',
      [{ where: file, message: `the definition can't be read: ${messageOf(error)}` }],
      'Name the file with --definition, or leave the flag away to use the definition that comes with Oakum.',
    );
  }
  return { file, digest: digestOf(text), definition: parseDefinition(text, file) };
}

/** Takes a definition's text and the name to show for it; gives it checked, or throws `DEFINITION_INVALID` with every fault at once. */
export function parseDefinition(text: string, file: string): Definition {
  const located = locateYaml(text, file);
  if (located.faults.length > 0) throw invalid(located.faults);
  const parsed = definitionSchema.safeParse(located.value);
  const faults = [
    ...(parsed.success
      ? crossFaults(parsed.data, located)
      : [...toFaults(located, parsed.error), ...looseCrossFaults(located)]),
    ...repeatedOverrides(located),
  ];
  if (faults.length > 0) throw invalid(inFileOrder(faults));
  return parsed.data as Definition;
}

function invalid(faults: readonly Fault[]): DefinitionError {
  return new DefinitionError(
    'DEFINITION_INVALID',
    faults,
    'schema/distribution.schema.json describes the format; editors with a YAML language server check it while you type.',
  );
}

/** What the schema can't say: names that must exist elsewhere, lists without repetition. */
function crossFaults(
  definition: Pick<Definition, 'channels' | 'bases' | 'platforms' | 'components'>,
  located: LocatedYaml,
): Fault[] {
  const faults: Fault[] = [];
  for (const [name, channel] of Object.entries(definition.channels)) {
    faults.push(...baseFaults(channel.base, ['channels', name, 'base'], { definition, located }));
    for (const [component, own] of Object.entries(asRecord(channel.components))) {
      faults.push(...ownFaults(own, ['channels', name, 'components', component], { definition, located }));
    }
  }
  for (const key of ['channels', 'components'] as const) {
    if (Object.keys(definition[key]).length === 0)
      faults.push({ where: located.where([key]), message: `${key}: at least one is needed` });
  }
  if (Object.values(definition.channels).every((channel) => asRecord(channel)['byDefault'] === false)) {
    const message = 'channels: one at least must be meant where none is named (byDefault)';
    faults.push({ where: located.where(['channels']), message });
  }
  for (const [index, platform] of definition.platforms.entries()) {
    if (definition.platforms.indexOf(platform) !== index) {
      faults.push({ where: located.where(['platforms', index]), message: `platforms: ${platform} is named twice` });
    }
  }
  return faults;
}

interface Cross {
  readonly definition: Pick<Definition, 'bases' | 'components'>;
  readonly located: LocatedYaml;
}

function baseFaults(base: unknown, path: readonly string[], { definition, located }: Cross): Fault[] {
  if (typeof base !== 'string' || definition.bases[base] !== undefined) return [];
  const known = Object.keys(definition.bases).join(', ') || 'none';
  return [{ where: located.where(path), message: `${path.join('.')}: no base "${base}" (known: ${known})` }];
}

/** A channel's say about one component: it must be one, and what is started must be its program. */
function ownFaults(own: unknown, path: readonly string[], cross: Cross): Fault[] {
  const { base, entrypoint } = asRecord(own);
  const { definition, located } = cross;
  const component = path.at(-1) ?? '';
  const where = (...more: string[]) => ({ where: located.where([...path, ...more]) });
  const faults = baseFaults(base, [...path, 'base'], cross);
  if (definition.components[component] === undefined) {
    faults.push({ ...where(), message: `${path.join('.')}: there is no component of this name` });
  }
  if (Array.isArray(entrypoint) && entrypoint.at(-1) !== component) {
    const message = `${path.join('.')}.entrypoint: must end in ${component}, the program of the component`;
    faults.push({ ...where('entrypoint'), message });
  }
  return faults;
}

/** Two overrides of one cycle would leave open which leads. */
function repeatedOverrides(located: LocatedYaml): Fault[] {
  const { lifecycle } = asRecord(located.value);
  const { overrides } = asRecord(lifecycle);
  const names = (Array.isArray(overrides) ? overrides : []).map((one) => {
    const { product, cycle } = asRecord(one);
    return `${String(product)} ${String(cycle)}`;
  });
  return names.flatMap((name, index) =>
    names.indexOf(name) === index
      ? []
      : [
          {
            where: located.where(['lifecycle', 'overrides', index]),
            message: `lifecycle.overrides.${index}: ${name} is named twice`,
          },
        ],
  );
}

/** The cross checks on a value whose schema failed, as far as its parts are there, so that all faults show in one run. */
function looseCrossFaults(located: LocatedYaml): Fault[] {
  const value = asRecord(located.value);
  const channels = Object.entries(asRecord(value['channels'])).filter(
    ([, channel]) => typeof asRecord(channel)['base'] === 'string',
  );
  return crossFaults(
    {
      channels: Object.fromEntries(channels) as Definition['channels'],
      bases: asRecord(value['bases']) as Definition['bases'],
      platforms: Array.isArray(value['platforms']) ? value['platforms'] : [],
      components: asRecord(value['components']) as Definition['components'],
    },
    located,
  ).filter((fault) => !fault.message.includes('at least one'));
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

// SPDX-License-Identifier: Apache-2.0
import type { ImageBase, LockedImage } from '#bases';
import { type Platform, reportStep } from '#core';
import type { ImageBaseDefinition, LockedBase } from '#definition';
import type { Base, Ground } from './bases.ts';
import { FactoryError } from './error.ts';
import type { Workshop } from './workshop.ts';

/** Where the programs lie that are put on top. */
const PROGRAMS = '/usr/local/bin';

/** What a search path is where none is said, as container runtimes have it. */
const USUAL_PATH = `/usr/local/sbin:${PROGRAMS}:/usr/sbin:/usr/bin:/sbin:/bin`;

/** Where most distributions have all certificates in one file; Go looks in the others' places by itself. */
const CERTIFICATES = 'etc/ssl/certs/ca-certificates.crt';

/** Gives a base that is an image which somebody else has made. */
export function imageBase(definition: ImageBaseDefinition, shop: Workshop): Base {
  const reference = definition.image;
  const open = async (locked: LockedBase, platform: Platform): Promise<ImageBase> =>
    (await shop.images()).open({ ...imageOf(locked, reference), reference }, platform);
  return {
    async resolve(platforms) {
      const belief = await shop.belief(definition);
      const spec = { reference, ...(belief === undefined ? {} : { belief }) };
      const image = await (await shop.images()).resolve(spec, platforms);
      return { releases: [], packages: {}, image } as unknown as LockedBase;
    },
    async fits({ image }, platform) {
      if (image?.reference !== reference || image.platforms[platform] === undefined) return false;
      return image.verified === (await shop.belief(definition))?.digest;
    },
    async fetch(locked, platforms) {
      for (const platform of platforms) await open(locked, platform);
    },
    async ground({ name, locked, platform }) {
      const names = { subject: `${name} ${platform}`, step: 'take base' };
      const taken = async () => ({ value: await open(locked, platform), cached: false });
      return toGround((await reportStep(shop.report, names, taken)).value, reference);
    },
    content: async (locked, platform) => (await open(locked, platform)).content,
  };
}

function imageOf({ image }: LockedBase, reference: string): LockedImage {
  if (image !== undefined) return image as unknown as LockedImage;
  throw new FactoryError('LOCK_INCOMPLETE', `the lock does not hold the base image ${reference}`, {
    hint: 'Run `oakum lock`.',
  });
}

function toGround({ manifest, layers, settings, distribution, content }: ImageBase, reference: string): Ground {
  const own = Object.entries(settings.labels).filter(([name]) => !name.startsWith('org.opencontainers.image.'));
  const hasBundle = content.files.some(({ path }) => path === CERTIFICATES);
  return {
    layers: layers.map(({ created, createdBy, ...layer }) => ({ layer, created: new Date(created), createdBy })),
    distribution,
    environment: environmentOf(settings.environment, hasBundle),
    ...(settings.workingDirectory === undefined ? {} : { workingDirectory: settings.workingDirectory }),
    labels: Object.fromEntries(own),
    image: { reference, digest: manifest },
  };
}

/** The image's own, with the programs on its path, and its certificates where it names no others. */
function environmentOf(pairs: readonly string[], hasBundle: boolean): Readonly<Record<string, string>> {
  const own = Object.fromEntries(
    pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
  const path = own['PATH'] ?? USUAL_PATH;
  return {
    ...(hasBundle ? { SSL_CERT_FILE: `/${CERTIFICATES}` } : {}),
    ...own,
    PATH: path.split(':').includes(PROGRAMS) ? path : `${PROGRAMS}:${path}`,
  };
}

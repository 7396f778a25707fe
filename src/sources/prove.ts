// SPDX-License-Identifier: Apache-2.0
import type { Cache } from '#cache';
import { type Digest, type Report } from '#core';
import type { ModuleVersion } from '#formats';
import { type ChecksumDatabase, describeKey } from './checksum-database.ts';
import type { DatabaseClient, DatabaseRecord } from './database-client.ts';
import { SourcesError } from './error.ts';
import { assertModule, nameOf } from './module-name.ts';

/** Why a module's hashes are believed. */
export type Proof =
  | {
      readonly kind: 'checksum-database';
      /** The database's key as `hash+key`. */
      readonly database: string;
      readonly recordId: number;
      readonly treeSize: number;
    }
  | {
      readonly kind: 'exempted';
      /** The exemption as the definition names it. */
      readonly exemption: string;
      /** Whether the database was asked and lacks the module, or was not asked at all. */
      readonly database: 'lacks-module' | 'not-asked';
    };

/** A module whose hashes (`h1:`, of the zip and of go.mod) are proved, or taken on a named exemption. */
export interface ProvedModule extends ModuleVersion {
  readonly zipHash: string;
  readonly modHash: string;
  readonly proof: Proof;
}

/**
 * A named, recorded way round the checksum database: `module` is a path, or `path@version` for that version only. The
 * database is still asked, and believed where it does know the module, unless `private` says that it must not learn the name.
 */
export interface Exemption {
  readonly module: string;
  readonly private?: boolean;
}

/** What {@link openProver} needs. */
export interface ProverOptions {
  readonly cache: Cache;
  readonly database: ChecksumDatabase;
  readonly client: DatabaseClient;
  readonly exemptions: readonly Exemption[];
  /** Hashes a module as the proxies serve it; for exempted ones, which nothing else vouches for. */
  readonly hashServed: (module: ModuleVersion) => Promise<{ readonly zipHash: string; readonly modHash: string }>;
  /** Throws `VERSION_UNKNOWN` where the proxies do not serve the module version either. */
  readonly assertServed: (module: ModuleVersion) => Promise<void>;
  readonly report: Report;
}

const NO_BLOBS = (): readonly Digest[] => [];

/** Gives `prove`: a module's hashes with their proof. A proof stays true, so it is kept and needs no network again. */
export function openProver(options: ProverOptions): (module: ModuleVersion) => Promise<ProvedModule> {
  const database = describeKey(options.database.key);

  async function run(
    module: ModuleVersion,
    exemption: Exemption | undefined,
  ): Promise<Omit<ProvedModule, 'path' | 'version'>> {
    const isAsked = exemption?.private !== true;
    const record = isAsked ? await options.client.lookup(module) : undefined;
    if (record !== undefined) return { ...hashesOf(record), proof: proofOf(record, database) };
    if (exemption === undefined) {
      await options.assertServed(module);
      throw lacking(module, options.database);
    }
    const hashes = await options.hashServed(module);
    options.report({
      kind: 'warning',
      message: `${nameOf(module)} is taken without proof: the definition exempts ${exemption.module} from the checksum database`,
    });
    return {
      ...hashes,
      proof: { kind: 'exempted', exemption: exemption.module, database: isAsked ? 'lacks-module' : 'not-asked' },
    };
  }

  return async (module) => {
    assertModule(module);
    const { path, version } = module;
    const exemption = options.exemptions.find((one) => one.module === path || one.module === nameOf(module));
    const exempted = exemption === undefined ? null : { module: exemption.module, private: exemption.private ?? false };
    const step = await options.cache.step(
      { name: 'prove-module', inputs: { path, version, database, exempted } },
      NO_BLOBS,
      async () => ({ ...(await run(module, exemption)) }),
    );
    return { path, version, ...step.value };
  };
}

function hashesOf({ zipHash, modHash }: DatabaseRecord): { zipHash: string; modHash: string } {
  return { zipHash, modHash };
}

function proofOf(record: DatabaseRecord, database: string): Proof {
  return { kind: 'checksum-database', database, recordId: record.id, treeSize: record.treeSize };
}

function lacking(module: ModuleVersion, database: ChecksumDatabase): SourcesError {
  return new SourcesError('DATABASE_LACKS_MODULE', `the checksum database does not know ${nameOf(module)}`, {
    where: database.key.name,
    hint: `Choose a version that it knows, or, if you trust what the proxy serves, name ${nameOf(module)} under \`exemptions\` in the definition.`,
  });
}

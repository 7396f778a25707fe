// SPDX-License-Identifier: Apache-2.0
import type { Digest, Platform } from '#core';

/** A regular file of the image. SPDX 2.3 (8.4) demands SHA-1 beside what really counts, the SHA-256 in `digest`. */
export interface SbomFile {
  /** Without a leading slash. */
  readonly path: string;
  readonly digest: Digest;
  /** 40 hex digits. */
  readonly sha1: string;
  /** Bytes. */
  readonly size: number;
  /** The earlier file whose content this is, for a hard link. */
  readonly sameAs?: string;
}

/** What the licence files of a module say. `expression` is an SPDX licence expression, or `NOASSERTION` where it is not certain. */
export type LicenceFinding = {
  readonly expression: string;
  /** Each licence file read, in order of name, and the SPDX ids found for certain in it. */
  readonly files: readonly { readonly name: string; readonly licences: readonly string[]; readonly certain: boolean }[];
};

/** A Go module by what proves it: `hash` is the h1 of its zip. */
export interface SbomModule {
  readonly path: string;
  readonly version: string;
  readonly hash?: string;
  readonly licence?: LicenceFinding;
  /** What it was before a patched revision raised it. */
  readonly raised?: RaisedFrom;
}

/** The version that upstream requires of a module (none where a fix brought it in), and the advisories that it was raised for. */
export interface RaisedFrom {
  readonly version?: string;
  readonly findings: readonly string[];
}

/** What a patched revision lays over the main module's source: the advisories it answers, and its patch files. */
export interface LaidOver {
  readonly findings: readonly string[];
  readonly patches: readonly string[];
}

/** A distribution's package as it lies in the image. Each of `files` is in {@link SbomInput.files}. */
export interface SbomPackage {
  /** As its package URL names it; `deb` where nothing is said. */
  readonly kind?: 'deb' | 'apk' | 'rpm';
  readonly name: string;
  readonly version: string;
  /** Of rpm, above 0. */
  readonly epoch?: number;
  readonly architecture: string;
  readonly source: { readonly name: string; readonly version: string };
  /** Of the package's file; unknown where an image was taken as it is. */
  readonly sha256?: Digest;
  readonly maintainer: string;
  readonly homepage?: string;
  /** The path of its copyright file. */
  readonly copyright?: string;
  /** Debian's short licence names; empty where its copyright file is free text. */
  readonly licenses: readonly string[];
  /** What apk and rpm say: an SPDX expression where its text is one. */
  readonly licence?: string;
  /** The commit of the distribution's own repository that it was built from. */
  readonly commit?: string;
  readonly files: readonly { readonly path: string; readonly digest: Digest }[];
}

/** What is linked into the program and is neither a Go module nor a package of the image. `licence` is an SPDX expression. */
export interface SbomLinked {
  readonly name: string;
  readonly version: string;
  readonly supplier: string;
  readonly licence: string;
  readonly purl: string;
}

/** All that an SBOM of one platform's image is made from; nothing is looked up elsewhere. */
export interface SbomInput {
  readonly tool: { readonly name: string; readonly version: string };
  /** Who makes the image, and this statement. */
  readonly vendor: string;
  readonly subject: {
    readonly name: string;
    readonly version: string;
    readonly platform: Platform;
    /** Of the platform's manifest. */
    readonly digest: Digest;
    readonly configDigest: Digest;
    /** The source's commit time: the document's time as well, so that the same inputs give the same bytes. */
    readonly created: Date;
  };
  readonly main: SbomModule & {
    readonly origin?: { readonly url: string; readonly commit: string };
    readonly overlay?: LaidOver;
  };
  /** Modules of the same repository that were compiled from the source tree (`./api`). */
  readonly nested: readonly SbomModule[];
  /** Modules compiled in, by the binary's build information. */
  readonly modules: readonly SbomModule[];
  /** Beside the modules. */
  readonly linked?: readonly SbomLinked[];
  /** `version` is like `go1.27.3`. */
  readonly go: { readonly version: string; readonly toolchain: SbomModule };
  readonly binary: SbomFile;
  /** Every other regular file of the image; what no package owns was composed. */
  readonly files: readonly SbomFile[];
  readonly packages: readonly SbomPackage[];
  readonly distribution: { readonly id: string; readonly versionId: string; readonly codename?: string };
}

/** What a component is. */
export type ComponentKind =
  | 'image'
  | 'application'
  | 'module'
  | 'standard-library'
  /** A library of another language that is linked into the program. */
  | 'linked'
  | 'toolchain'
  | 'distribution'
  | 'package'
  /** What something in the image was made from, and is not in the image itself. */
  | 'source';

/** One thing that an SBOM names. `licence` is an SPDX expression or `NOASSERTION`. */
export interface SbomComponent {
  readonly id: string;
  readonly kind: ComponentKind;
  readonly name: string;
  readonly version: string;
  readonly supplier: string;
  readonly licence: string;
  readonly purl?: string;
  readonly cpe?: string;
  readonly maintainer?: string;
  readonly homepage?: string;
  /** SHA-256 of what was fetched, or of the image's manifest. */
  readonly digest?: Digest;
  /** Go's directory hash of the module's zip. */
  readonly h1?: string;
  /** A commit as SPDX writes it (7.7): `git+https://...@commit`. */
  readonly commit?: string;
  readonly source?: { readonly name: string; readonly version: string; readonly purl: string };
  /** What it was before it was patched. Absent for what is as upstream has it. */
  readonly raised?: RaisedFrom;
  readonly overlay?: LaidOver;
  /** The files that it holds, by id. */
  readonly files: readonly string[];
}

/** A file with its id. `program`: it is the image's entry point. */
export type ListedFile = SbomFile & { readonly id: string; readonly program: boolean };

/** How two components or files stand to each other, in the words of SPDX 2.3 (11.1). */
export interface SbomRelation {
  readonly from: string;
  readonly kind: 'CONTAINS' | 'DEPENDS_ON' | 'GENERATED_FROM' | 'GENERATES' | 'METAFILE_OF' | 'BUILD_TOOL_OF';
  readonly to: string;
}

/** The one model from which each format is written. Components, files and relations are sorted. */
export interface Sbom {
  readonly name: string;
  /** Made from all that follows (RFC 9562, 5.8): another content has another one. */
  readonly uuid: string;
  readonly created: Date;
  readonly author: string;
  readonly tool: { readonly name: string; readonly version: string };
  /** The id of the image. */
  readonly root: string;
  readonly configDigest: Digest;
  readonly platform: Platform;
  readonly components: readonly SbomComponent[];
  readonly files: readonly ListedFile[];
  readonly relations: readonly SbomRelation[];
  /** What each `LicenseRef-` in the components stands for. */
  readonly otherLicences: ReadonlyMap<string, string>;
}

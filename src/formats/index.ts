// SPDX-License-Identifier: Apache-2.0
export { canonicalJson, parseIfJson, readableJson } from './canonical-json.ts';
export type { Json } from './canonical-json.ts';
export { fixedBlocks } from './chunks.ts';
export { createJsonScanner, isJsonSpace, measureJson } from './json-scan.ts';
export { readElf } from './elf.ts';
export type { ElfFile, ElfSection, ReadAt } from './elf.ts';
export { readGoBuildInfo } from './go-build-info.ts';
export { FIPS_MODULE_PATH, packagesOfFunctions, readGoFunctions, readGoPackages } from './go-packages.ts';
export { readerOf } from './read-at.ts';
export type { BuiltModule, GoBuildInfo } from './go-build-info.ts';
export { deprecationOf, parseGoMod, parseGoSum, replacementOf } from './go-mod.ts';
export { editGoMod, mergeGoSum } from './go-mod-edit.ts';
export type { GoModEdit } from './go-mod-edit.ts';
export { applyFilePatch, parseUnifiedDiff } from './unified-diff.ts';
export type { FilePatch, Hunk } from './unified-diff.ts';
export type { GoMod, ModuleVersion, Replacement, Requirement, SumLine } from './go-mod.ts';
export {
  escapeModuleText,
  majorSuffixOf,
  moduleFileFault,
  modulePathFault,
  unescapeModuleText,
} from './go-module-path.ts';
export {
  compareGoVersions,
  compareModuleVersions,
  isCanonicalModuleVersion,
  isGoVersion,
  isModuleVersion,
  majorOf,
  prereleaseOf,
  readPseudoVersion,
} from './go-version.ts';
export { noteKeyOf, parseNoteKey, parseSignedNote, readNoteSignature } from './signed-note.ts';
export type { NoteKey, NoteReading, SignedNote } from './signed-note.ts';
export {
  consistencyProof,
  HASH_SIZE,
  hashInTile,
  inclusionProof,
  nodeHash,
  recordHash,
  tileOf,
  tilePath,
  treeRoot,
  verifyConsistency,
  verifyInclusion,
} from './transparency-log.ts';
export type { HashPosition, HashReader, Tile } from './transparency-log.ts';
export { readZipDirectory, readZipEntry } from './zip.ts';
export type { ZipEntry, ZipSource } from './zip.ts';
export { GZIP_BLOCK, GZIP_FORMAT, GZIP_LEVEL, parallelGzip } from './parallel-gzip.ts';
export type { GzipOptions } from './parallel-gzip.ts';
export { TAR_BLOCK, tarEnd, tarHeader, tarPadding } from './tar-write.ts';
export type { TarHeader } from './tar-write.ts';
export { zstd, ZSTD_FORMAT } from './zstd.ts';
export { meetsApkVersion, parseApkDependency } from './apk-dependency.ts';
export type { ApkDependency } from './apk-dependency.ts';
export { readApkIndex } from './apk-index.ts';
export type { ApkIndex, ApkIndexOptions } from './apk-index.ts';
export type { AlpinePackage, ApkInfo, IndexedAlpinePackage } from './apk-info.ts';
export { openApk } from './apk-package.ts';
export type { ApkEntry, ApkOptions, OpenApk } from './apk-package.ts';
export { splitApkSignatures } from './apk-signature.ts';
export type { ApkSignature } from './apk-signature.ts';
export { parseApkInstalled } from './apk-installed.ts';
export type { ApkPackage } from './apk-installed.ts';
export { readAr } from './ar.ts';
export type { ArMember } from './ar.ts';
export { copyrightLicences } from './debian-copyright.ts';
export { parseRpmHeader } from './rpm-header.ts';
export type { RpmPackage } from './rpm-header.ts';
export { parseDeb822, selectStanzas } from './deb822.ts';
export type { Deb822Stanza } from './deb822.ts';
export { compareAlpineVersions, isAlpineVersion } from './alpine-version.ts';
export { compareDebianVersions, isDebianVersion } from './debian-version.ts';
export { compressionOf, decompress } from './decompress.ts';
export type { Compression, DecompressOptions } from './decompress.ts';
export { FormatError } from './error.ts';
export type { FormatErrorCode } from './error.ts';
export { readTar } from './tar-read.ts';
export type { ReadTarOptions, TarEntry } from './tar-read.ts';
export {
  DER,
  der,
  derBits,
  derContext,
  derIdentifier,
  derInteger,
  derSequence,
  derSet,
  readDer,
  readDerValues,
} from './der.ts';
export type { DerValue } from './der.ts';
export { preAuthEncoding, toDsseEnvelope } from './dsse.ts';
export type { DsseEnvelope } from './dsse.ts';
export { inFileOrder, locateYaml, toFaults } from './yaml-faults.ts';
export type { Fault, LocatedYaml } from './yaml-faults.ts';
export { list, object, optional, optionalList, record, text } from './shape.ts';
export type { Shape, Shaped } from './shape.ts';
export { formatPurl, parsePurl } from './purl.ts';
export type { Purl } from './purl.ts';
export {
  alternativeNames,
  authorityExtensions,
  extension,
  issueCertificate,
  keyIdOf,
  partsOf,
  signatureAlgorithm,
  signBytes,
  toPem,
} from './x509.ts';
export type { CertificateSpec, Issuer } from './x509.ts';
export { markdownCode, markdownTable } from './markdown-table.ts';
export { markdownText } from './markdown-text.ts';

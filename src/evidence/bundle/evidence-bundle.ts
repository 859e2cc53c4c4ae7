/** The files of an evidence bundle, from what was read and proven. */
import { manifestFor, manifestName, signManifest } from './manifest.ts';
import type { ArchiveFile } from './tar.ts';

export interface BundleParts {
  readonly reportHtml: string;
  readonly verification: object;
  readonly certificates: object;
  readonly certificatesCsv: string;
  readonly posture: object;
  /** As `padlock snapshot` saves it, so that every command takes it back. */
  readonly snapshot: string;
  /** What was asked, by which versions. */
  readonly about: object;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly version: string;
  /** PEM; signs the manifest where it is given. */
  readonly signingKey?: string;
}

/** @throws PadlockError `INPUT_INVALID` where the signing key cannot be used */
export function bundleFiles(parts: BundleParts): readonly ArchiveFile[] {
  const json = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
  const files: readonly ArchiveFile[] = [
    { path: 'report.html', content: Buffer.from(parts.reportHtml) },
    { path: 'about.json', content: json(parts.about) },
    { path: 'verification.json', content: json(parts.verification) },
    { path: 'certificates.json', content: json(parts.certificates) },
    { path: 'certificates.csv', content: Buffer.from(parts.certificatesCsv) },
    { path: 'posture.json', content: json(parts.posture) },
    { path: 'snapshot.json', content: Buffer.from(parts.snapshot) },
  ];
  const manifest = manifestFor(files, parts.createdAt, parts.version);
  return [
    ...files,
    { path: manifestName, content: Buffer.from(manifest) },
    ...(parts.signingKey === undefined ? [] : signManifest(manifest, parts.signingKey)),
  ];
}

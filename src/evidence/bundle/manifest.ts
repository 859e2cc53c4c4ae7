/** The manifest of an evidence bundle: every file's SHA-256, and a signature over it by a key that the user names. */
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { PadlockError } from '../../errors.ts';
import { asNumber, asObject, asObjects, asText } from '../../sources/json-value.ts';
import { type ArchiveFile, bundleHint } from './tar.ts';

export const manifestName = 'manifest.json';
export const signatureName = 'manifest.sig';
export const publicKeyName = 'manifest.pub.pem';
const format = 'padlock-evidence/1';

export interface ManifestEntry {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** @returns the manifest as JSON; `createdAt` is RFC 3339 */
export function manifestFor(files: readonly ArchiveFile[], createdAt: string, version: string): string {
  const entries = files.map(
    ({ path, content }): ManifestEntry => ({
      path,
      bytes: content.length,
      sha256: sha256(content),
    }),
  );
  return `${JSON.stringify({ format, createdAt, padlock: version, files: entries }, null, 2)}\n`;
}

export function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

/**
 * Signs the manifest with a private key in PEM: Ed25519, EC or RSA.
 * @returns the signature and the public key that checks it, as further files
 * @throws PadlockError `INPUT_INVALID` where the key cannot be read
 */
export function signManifest(manifest: string, privateKeyPem: string): readonly ArchiveFile[] {
  const key = readKey(() => createPrivateKey(privateKeyPem), 'the signing key');
  const signature = sign(digestFor(key), Buffer.from(manifest), key).toString('base64');
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'pem' });
  return [
    { path: signatureName, content: Buffer.from(`${signature}\n`) },
    { path: publicKeyName, content: Buffer.from(publicKey) },
  ];
}

function readKey(read: () => KeyObject, what: string): KeyObject {
  try {
    return read();
  } catch (cause) {
    throw new PadlockError(
      'INPUT_INVALID',
      `${what} is no key in PEM that can be used without a passphrase`,
      {
        cause,
        hint: 'openssl genpkey -algorithm ed25519 -out key.pem makes one',
      },
    );
  }
}

/** Ed25519 and Ed448 bring their own digest. */
function digestFor(key: KeyObject): string | null {
  return key.asymmetricKeyType?.startsWith('ed') === true ? null : 'sha256';
}

export interface BundleCheck {
  readonly good: boolean;
  readonly createdAt: string;
  readonly files: number;
  /** Files that were changed, are missing, or are there and not in the manifest. */
  readonly problems: readonly string[];
  readonly signature:
    | { readonly kind: 'none' }
    /** `known`: checked with a key that the user gave, not with the one in the bundle, which anybody could have put there. */
    | { readonly kind: 'good' | 'bad'; readonly known: boolean; readonly key: string };
}

/**
 * Checks a bundle's files against its manifest, and the manifest against its signature.
 * @param publicKeyPem the key that must have signed it; absent: the bundle's own is used, and said to be
 * @throws PadlockError `INPUT_INVALID` where there is no manifest
 */
export function checkBundle(
  files: readonly ArchiveFile[],
  publicKeyPem: string | undefined,
  source: string,
): BundleCheck {
  const byPath = new Map(files.map((file) => [file.path, file.content]));
  const manifest = byPath.get(manifestName);
  const parsed = manifest === undefined ? {} : parseManifest(manifest);
  if (manifest === undefined || parsed.format !== format) {
    throw new PadlockError(
      'INPUT_INVALID',
      `${source} is not an evidence bundle: it has no ${manifestName}`,
      {
        hint: bundleHint,
      },
    );
  }
  const entries = asObjects(parsed.files);
  const listed = new Set(entries.map((entry) => asText(entry.path) ?? ''));
  const problems = [
    ...entries.flatMap((entry) =>
      checkEntry(asText(entry.path) ?? '', asNumber(entry.bytes), entry.sha256, byPath),
    ),
    ...files
      .filter(({ path }) => !listed.has(path) && ![manifestName, signatureName, publicKeyName].includes(path))
      .map(({ path }) => `${path} is not in the manifest`),
  ];
  const signature = checkSignature(manifest, byPath, publicKeyPem);
  const unsigned = publicKeyPem !== undefined && signature.kind === 'none';
  return {
    good: problems.length === 0 && signature.kind !== 'bad' && !unsigned,
    createdAt: asText(parsed.createdAt) ?? '',
    files: entries.length,
    problems: unsigned ? [...problems, 'the bundle is not signed'] : problems,
    signature,
  };
}

function parseManifest(content: Buffer): Readonly<Record<string, unknown>> {
  try {
    return asObject(JSON.parse(content.toString('utf8')));
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

function checkEntry(
  path: string,
  bytes: number | undefined,
  expected: unknown,
  files: ReadonlyMap<string, Buffer>,
): readonly string[] {
  const content = files.get(path);
  if (content === undefined) return [`${path} is missing`];
  return content.length === bytes && sha256(content) === expected ? [] : [`${path} was changed`];
}

function checkSignature(
  manifest: Buffer,
  files: ReadonlyMap<string, Buffer>,
  given: string | undefined,
): BundleCheck['signature'] {
  const signature = files.get(signatureName);
  const pem = given ?? files.get(publicKeyName)?.toString('utf8');
  if (signature === undefined || pem === undefined) return { kind: 'none' };
  const key = readKey(() => createPublicKey(pem), 'the public key');
  const bytes = Buffer.from(signature.toString('latin1').trim(), 'base64');
  const isGood = verify(digestFor(key), manifest, key, bytes);
  const fingerprint = sha256(Buffer.from(key.export({ type: 'spki', format: 'der' })));
  return { kind: isGood ? 'good' : 'bad', known: given !== undefined, key: fingerprint };
}

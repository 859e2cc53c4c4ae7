/** What a kubeconfig entry keeps in itself or in a file beside it: certificates, keys, tokens. */
import { readFile } from 'node:fs/promises';
import { PadlockError } from '../../errors.ts';
import { asText, type JsonObject } from '../json-value.ts';

/** Reads `NAME-data` (base64) or else the file `NAME`, as kubectl does. */
export async function fileOrData(entry: JsonObject, name: string): Promise<Buffer | undefined> {
  const data = asText(entry[`${name}-data`]);
  if (data) return Buffer.from(data, 'base64');
  const path = asText(entry[name]);
  return path ? credentialFile(path) : undefined;
}

/** @throws PadlockError `KUBECONFIG_INVALID` where it cannot be read */
export async function credentialFile(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new PadlockError('KUBECONFIG_INVALID', `cannot read ${path}, which the kubeconfig names`, {
      cause,
    });
  }
}

/** What a probe got, as text for the evidence. An application's answer may hold anything: only its size and hash are kept. */
import { createHash } from 'node:crypto';
import type { RawResponse } from '../../sources/cluster.ts';
import type { CurlResult } from './curl.ts';

const maxText = 2000;

/** The API server's own words whole; a pod's answer as its size and SHA-256. */
export function rawResponse({ status, body }: RawResponse, fromApiServer: boolean): string {
  return fromApiServer ? `HTTP ${status} ${body.slice(0, maxText)}` : `HTTP ${status}, ${digest(body)}`;
}

export function rawCurl({ exitCode, status, body, stderr }: CurlResult): string {
  const parts = [
    `curl exit ${exitCode}`,
    ...(status > 0 ? [`HTTP ${status}`] : []),
    ...(body === '' ? [] : [digest(body)]),
    ...(stderr === '' ? [] : [stderr.slice(0, maxText)]),
  ];
  return parts.join(', ');
}

function digest(body: string): string {
  return `${Buffer.byteLength(body)} bytes, SHA-256 ${createHash('sha256').update(body).digest('hex')}`;
}

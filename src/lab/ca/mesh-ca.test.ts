import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { expect, test } from 'vitest';
import { CaUnavailable, createMeshCa } from './mesh-ca.ts';

const now = () => Date.UTC(2026, 10, 24, 2, 10, 18);
const spiffeId = 'spiffe://cluster.local/ns/secure-apps/sa/httpbin';

test('a workload certificate carries its SPIFFE id alone, critical, and verifies against the root', async () => {
  const ca = await createMeshCa({ trustDomain: 'cluster.local', now });
  const issued = await ca.issue({ spiffeId, ttlSeconds: 86_400 });
  const leaf = new X509Certificate(issued.chain);
  const root = new X509Certificate(ca.trustBundle());
  expect(leaf.subjectAltName).toBe(`URI:${spiffeId}`);
  expect(leaf.subject).toBeFalsy();
  expect(leaf.issuer).toBe('O=cluster.local');
  expect(leaf.checkIssued(root)).toBe(true);
  expect(leaf.verify(root.publicKey)).toBe(true);
  expect(leaf.ca).toBe(false);
  expect(leaf.serialNumber.toLowerCase()).toBe(issued.serialNumber);
  expect(leaf.validFromDate.toISOString()).toBe('2026-11-24T02:08:18.000Z');
  expect(leaf.validToDate.toISOString()).toBe('2026-11-25T02:10:18.000Z');
  // OID 2.5.29.17 (subjectAltName) followed by BOOLEAN TRUE: critical.
  expect(leaf.raw.toString('hex')).toContain('0603551d110101ff');
  expect(leaf.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
});

test('the root lives ten years and may sign certificates only', async () => {
  const ca = await createMeshCa({ trustDomain: 'corp.example', now });
  const root = new X509Certificate(ca.trustBundle());
  expect(root.ca).toBe(true);
  expect(root.subject).toBe('O=corp.example');
  expect(root.validToDate.getUTCFullYear()).toBe(2036);
  expect(root.verify(root.publicKey)).toBe(true);
});

test('Node and OpenSSL take key, chain and bundle as they are', async () => {
  const ca = await createMeshCa({ trustDomain: 'cluster.local', now });
  const issued = await ca.issue({ spiffeId, ttlSeconds: 30 });
  expect(() =>
    createSecureContext({ cert: issued.chain, key: issued.privateKey, ca: ca.trustBundle() }),
  ).not.toThrow();
});

test('a root is rotated in three steps with an overlap of trust', async () => {
  const ca = await createMeshCa({ trustDomain: 'cluster.local', now });
  const before = ca.trustBundle();
  let announced = 0;
  ca.onBundleChange(() => {
    announced += 1;
  });
  await ca.addRoot();
  expect(ca.trustBundle().startsWith(before)).toBe(true);
  const signedByOld = new X509Certificate((await ca.issue({ spiffeId, ttlSeconds: 60 })).chain);
  expect(signedByOld.verify(new X509Certificate(before).publicKey)).toBe(true);
  ca.signWithNewestRoot();
  const signedByNew = new X509Certificate((await ca.issue({ spiffeId, ttlSeconds: 60 })).chain);
  expect(signedByNew.verify(new X509Certificate(before).publicKey)).toBe(false);
  ca.dropOldRoots();
  expect(ca.trustBundle()).not.toContain(before);
  expect(signedByNew.verify(new X509Certificate(ca.trustBundle()).publicKey)).toBe(true);
  expect(announced).toBe(2);
});

test('an outage refuses to issue until it ends', async () => {
  const ca = await createMeshCa({ trustDomain: 'cluster.local', now });
  ca.setAvailable(false);
  await expect(ca.issue({ spiffeId, ttlSeconds: 60 })).rejects.toBeInstanceOf(CaUnavailable);
  ca.setAvailable(true);
  await expect(ca.issue({ spiffeId, ttlSeconds: 60 })).resolves.toMatchObject({ spiffeId });
});

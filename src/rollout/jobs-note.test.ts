import { expect, test } from 'vitest';
import { meshOf } from '../mesh/findings/testing/manifests.ts';
import { jobsNote } from './jobs-note.ts';

const job = (kind: string, name: string, labels = ''): string => {
  const template = `template: { metadata: { labels: { app: ${name}${labels} } }, spec: { containers: [{ name: c }] } }`;
  const spec = kind === 'CronJob' ? `{ jobTemplate: { spec: { ${template} } } }` : `{ ${template} }`;
  return `apiVersion: ${kind === 'Deployment' ? 'apps/v1' : 'batch/v1'}
kind: ${kind}
metadata: { name: ${name}, namespace: shop }
spec: ${spec}
---
`;
};

test('Jobs and CronJobs that would be injected are named, those that opted out and other kinds are not', () => {
  const mesh = meshOf(
    job('CronJob', 'report') +
      job('Job', 'migrate') +
      job('CronJob', 'out', ', sidecar.istio.io/inject: "false"') +
      job('Deployment', 'web'),
  );
  const [note, ...more] = jobsNote(mesh, 'shop');
  expect(note).toMatch(/^the next pods of CronJob shop\/report, Job shop\/migrate get a sidecar: unless/);
  expect(more).toEqual([]);
  expect(jobsNote(mesh, 'elsewhere')).toEqual([]);
});

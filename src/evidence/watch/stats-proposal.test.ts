import { expect, it } from 'vitest';
import { parse } from 'yaml';
import type { KubeObject } from '../../istio/kubernetes.ts';
import { dig } from '../../sources/json-value.ts';
import { proposeStats, statsCommands, wantedStats } from './stats-proposal.ts';

const deployment = (config?: string): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'cart', namespace: 'shop' },
  spec: {
    template: { metadata: config === undefined ? {} : { annotations: { 'proxy.istio.io/config': config } } },
  },
});

function proposed(config?: string): unknown {
  const [only] = proposeStats([deployment(config)]).proposals;
  const text = dig(only?.patch, 'spec', 'template', 'metadata', 'annotations', 'proxy.istio.io/config');
  return typeof text === 'string' ? parse(text) : undefined;
}

it('adds the statistics where nothing is said', () => {
  expect(proposed()).toEqual({ proxyStatsMatcher: { inclusionRegexps: wantedStats } });
});

it('keeps what the annotation says already', () => {
  const config = 'concurrency: 2\nproxyStatsMatcher: {inclusionPrefixes: [a], inclusionRegexps: [b.*]}';
  expect(proposed(config)).toEqual({
    concurrency: 2,
    proxyStatsMatcher: { inclusionPrefixes: ['a'], inclusionRegexps: ['b.*', ...wantedStats] },
  });
});

it('has nothing to propose the second time', () => {
  const [first] = proposeStats([deployment()]).proposals;
  const text = dig(first?.patch, 'spec', 'template', 'metadata', 'annotations', 'proxy.istio.io/config');
  expect(proposeStats([deployment(String(text))]).proposals).toEqual([]);
});

it('leaves an annotation alone that it cannot read, and says so', () => {
  const result = proposeStats([deployment('a: [')]);
  expect(result.proposals).toEqual([]);
  expect(statsCommands(result)).toMatch(/^# Deployment shop\/cart is left out/);
});

it('matches the names that a real proxy gives them', () => {
  const names = [
    'listener.0.0.0.0_15006.ssl.fail_verify_error',
    'listener.0.0.0.0_15006.ssl.fail_verify_no_cert',
    'listener.0.0.0.0_15006.ssl.no_certificate',
    'listener.0.0.0.0_15006.no_filter_chain_match',
    'tls_inspector.tls_found',
  ];
  const matches = (name: string): boolean =>
    wantedStats.some((regexp) => new RegExp(`^(?:${regexp})$`).test(name));
  expect(names.filter((name) => !matches(name))).toEqual([]);
});

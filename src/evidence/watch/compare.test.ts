import { describe, expect, it } from 'vitest';
import { compareFacts } from './compare.ts';
import type { Fact } from './fact.ts';

const how = { first: false, afterGap: false, round: 1 };
const time = '2026-11-26T12:00:00.000Z';
const fact = (key: string, value: string, more: Partial<Fact> = {}): Fact => ({
  key,
  value,
  namespace: 'shop',
  detail: '',
  ...more,
});
const known = (...facts: readonly Fact[]) => new Map(facts.map(({ key, value }) => [key, value]));
const port = (name: string, value: string, resource = 'PeerAuthentication shop/default') =>
  fact(`mode shop/Deployment/${name}`, value, { resource });

describe('compareFacts', () => {
  it('tells all ports of one policy as one event', () => {
    const before = known(port('a:80', 'STRICT m'), port('b:80', 'STRICT m'));
    const after = [port('a:80', 'PERMISSIVE pm'), port('b:80', 'PERMISSIVE pm')];
    const events = compareFacts(before, after, how, time);
    expect(events).toMatchObject([
      {
        event: 'mode-weakened',
        subjects: ['shop/Deployment/a:80', 'shop/Deployment/b:80'],
        detail: 'STRICT -> PERMISSIVE',
      },
    ]);
  });

  it('tells nothing of what is as it was', () => {
    const facts = [port('a:80', 'STRICT m')];
    expect(compareFacts(known(...facts), facts, how, time)).toEqual([]);
  });

  it('takes a first look at modes as the starting point, and tells what is wrong in itself', () => {
    const facts = [
      port('a:80', 'PERMISSIVE pm'),
      fact('certificate shop/a expired', '', { detail: 'it ended' }),
    ];
    const events = compareFacts(new Map(), facts, { ...how, first: true }, time);
    expect(events.map(({ event }) => event)).toEqual(['certificate']);
  });

  it('calls the loss of mutual TLS weaker, though no plaintext came in', () => {
    const events = compareFacts(known(port('a:80', 'PERMISSIVE pm')), [port('a:80', 'DISABLE p')], how, time);
    expect(events[0]?.event).toBe('mode-weakened');
  });

  it('tells a new port that takes plaintext', () => {
    const events = compareFacts(known(), [port('a:80', 'PERMISSIVE pm')], how, time);
    expect(events).toMatchObject([{ event: 'mode-weakened', detail: 'new, and PERMISSIVE' }]);
  });

  it('says that a policy changed and changed back while nobody watched', () => {
    const policy = (value: string) =>
      fact('policy PeerAuthentication shop/default', value, { resource: 'PeerAuthentication shop/default' });
    const before = known(port('a:80', 'STRICT m'), policy('3 u'));
    const after = [port('a:80', 'STRICT m'), policy('5 u')];
    expect(compareFacts(before, after, { ...how, afterGap: true }, time)).toMatchObject([
      { event: 'policy-changed', detail: expect.stringContaining('2 times') },
    ]);
    expect(compareFacts(before, after, how, time)).toEqual([]);
  });

  it('gives the same change the same id, and another at another time', () => {
    const ids = [1, 1, 2].map(
      (round) =>
        compareFacts(known(port('a:80', 'STRICT m')), [port('a:80', 'DISABLE p')], { ...how, round }, time)[0]
          ?.id,
    );
    expect(ids[0]).toBe(ids[1]);
    expect(ids[0]).not.toBe(ids[2]);
  });

  it('does not call a certificate renewed whose pod is gone', () => {
    const before = known(fact('certificate shop/a expired', ''));
    expect(compareFacts(before, [], how, time)).toEqual([]);
    expect(compareFacts(before, [fact('pod shop/a', '')], how, time)).toMatchObject([
      { event: 'certificate-mended' },
    ]);
  });
});

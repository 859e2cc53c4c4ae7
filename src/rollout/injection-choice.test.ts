import { expect, test } from 'vitest';
import type { KubeObject } from '../istio/kubernetes.ts';
import { chooseInjection, matchesSelector } from './injection-choice.ts';
import { controlPlane } from './testing/small-cluster.ts';

const webhooks = controlPlane().filter((object) => object.kind === 'MutatingWebhookConfiguration');

/** A revision's webhook as Istio's chart makes it: it takes namespaces that name the revision. */
function revision(name: string): KubeObject {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: {
      name: `istio-sidecar-injector-${name}`,
      labels: { app: 'sidecar-injector', 'istio.io/rev': name },
    },
    webhooks: [
      {
        name: 'rev.namespace.sidecar-injector.istio.io',
        namespaceSelector: {
          matchExpressions: [
            { key: 'istio.io/rev', operator: 'In', values: [name] },
            { key: 'istio-injection', operator: 'DoesNotExist' },
          ],
        },
      },
    ],
  };
}

test('a default installation asks for istio-injection=enabled, and sees that it is there', () => {
  expect(chooseInjection({}, webhooks, undefined)).toEqual({
    kind: 'label',
    labels: { 'istio-injection': 'enabled' },
  });
  expect(chooseInjection({ 'istio-injection': 'enabled' }, webhooks, undefined).kind).toBe('on');
});

test('a single revision is chosen by itself, of several a person chooses', () => {
  expect(chooseInjection({}, [revision('1-29')], undefined)).toEqual({
    kind: 'label',
    labels: { 'istio.io/rev': '1-29' },
  });
  const several = [revision('1-28'), revision('1-29')];
  expect(chooseInjection({}, several, undefined)).toMatchObject({
    kind: 'refused',
    sentence: expect.stringContaining('1-28, 1-29'),
  });
  expect(chooseInjection({}, several, '1-28')).toEqual({ kind: 'label', labels: { 'istio.io/rev': '1-28' } });
  expect(chooseInjection({ 'istio.io/rev': '1-28' }, several, undefined).kind).toBe('on');
});

test('what says no, or points at nothing, is refused with what to do', () => {
  expect(chooseInjection({ 'istio-injection': 'disabled' }, webhooks, undefined)).toMatchObject({
    kind: 'refused',
  });
  expect(chooseInjection({ 'istio.io/rev': 'gone' }, [revision('1-29')], undefined)).toMatchObject({
    kind: 'refused',
    hint: expect.stringContaining('1-29'),
  });
  expect(chooseInjection({}, [], undefined)).toMatchObject({
    kind: 'refused',
    sentence: expect.stringContaining('no sidecar injector'),
  });
  expect(chooseInjection({}, [revision('1-29')], 'nope')).toMatchObject({
    kind: 'refused',
    sentence: expect.stringContaining('nope'),
  });
  expect(
    chooseInjection({ 'istio-injection': 'enabled' }, [...webhooks, revision('1-29')], '1-29'),
  ).toMatchObject({ kind: 'refused' });
});

test('other software’s webhooks are none of Istio’s', () => {
  const other: KubeObject = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: 'cert-manager-webhook' },
    webhooks: [{ name: 'webhook.cert-manager.io' }],
  };
  expect(chooseInjection({}, [other], undefined).kind).toBe('refused');
});

test('label selectors follow Kubernetes, the unknown operator matches nothing', () => {
  const expression = (operator: string, values?: readonly string[]): unknown => ({
    matchExpressions: [{ key: 'a', operator, ...(values === undefined ? {} : { values }) }],
  });
  expect(matchesSelector(undefined, {})).toBe(true);
  expect(matchesSelector({ matchLabels: { a: '1' } }, { a: '1', b: '2' })).toBe(true);
  expect(matchesSelector({ matchLabels: { a: '1' } }, { a: '2' })).toBe(false);
  expect(matchesSelector(expression('In', ['1']), { a: '1' })).toBe(true);
  expect(matchesSelector(expression('In', ['1']), {})).toBe(false);
  expect(matchesSelector(expression('NotIn', ['1']), {})).toBe(true);
  expect(matchesSelector(expression('Exists'), { a: '' })).toBe(true);
  expect(matchesSelector(expression('DoesNotExist'), { a: '' })).toBe(false);
  expect(matchesSelector(expression('Near'), { a: '1' })).toBe(false);
});

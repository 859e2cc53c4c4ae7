import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL023')).toEqual([
    'warning Namespace both: Namespace both has both istio-injection=enabled and istio.io/rev=canary: the first wins, and revision canary injects nothing.',
    'warning Namespace mixed: Namespace mixed asks for sidecars (istio-injection=enabled) and for ambient mode: pods with a sidecar are not in ambient mode.',
    'warning Deployment bare/b: Deployment bare/b asks for a sidecar by annotation, which cannot start injection; only the label of that name can.',
    'warning Deployment off/a: Deployment off/a asks for a sidecar by label, but istio-injection=disabled on namespace off forbids it.',
    'warning Deployment shop/c: Deployment shop/c has the label sidecar.istio.io/inject=false and the annotation sidecar.istio.io/inject=true: the label wins.',
    'warning Deployment shop/d: Deployment shop/d asks for a sidecar and runs on the host network, where none is ever injected.',
    'warning Deployment shop/e: Deployment shop/e asks for revision canary, but its namespace is labelled for default: the namespace wins.',
  ]);
});

import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL011')).toEqual([
    'error DestinationRule shop/top: DestinationRule shop/top says DISABLE: clients send plaintext to top.shop.svc.cluster.local:8000, and STRICT refuses it.',
    'error DestinationRule shop/empty: DestinationRule shop/empty says no mode, which means DISABLE: clients send plaintext to empty.shop.svc.cluster.local:8000, and STRICT refuses it.',
    'error DestinationRule shop/port: DestinationRule shop/port says DISABLE for port 8000: clients send plaintext to port.shop.svc.cluster.local:8000, and STRICT refuses it.',
    'error DestinationRule shop/sub: DestinationRule shop/sub says DISABLE for subset v1: clients send plaintext to sub.shop.svc.cluster.local:8000 (subset v1), and STRICT refuses it.',
    'error DestinationRule shop/subport: DestinationRule shop/subport says DISABLE for port 8000 of subset v1: clients send plaintext to subport.shop.svc.cluster.local:8000 (subset v1), and STRICT refuses it.',
    "error DestinationRule shop/simple: DestinationRule shop/simple says SIMPLE: clients send TLS that is not the mesh's (SIMPLE) to simple.shop.svc.cluster.local:8000, and STRICT refuses it.",
    "error DestinationRule shop/http: DestinationRule shop/http says SIMPLE: clients send TLS that is not the mesh's (SIMPLE) to http.shop.svc.cluster.local:8000, and the server's sidecar has no place for it on an HTTP port.",
  ]);
});

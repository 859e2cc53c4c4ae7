import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL038')).toEqual([
    'error PeerAuthentication shop/lower: spec.mtls.mode of PeerAuthentication shop/lower is "strict", not one of STRICT, PERMISSIVE, DISABLE, UNSET.',
    'error PeerAuthentication shop/typed: spec.portLevelMtls.http of PeerAuthentication shop/typed is not under a port number (1 to 65535).',
    'error PeerAuthentication shop/typed: spec.mtls of PeerAuthentication shop/typed is a string, not an object.',
    'error DestinationRule shop/x: spec.trafficPolicy.tls.mode of DestinationRule shop/x is "MTLS", not one of DISABLE, SIMPLE, MUTUAL, ISTIO_MUTUAL.',
    "error PeerAuthentication shop/typo: spec.mtl of PeerAuthentication shop/typo is no field of Istio's; mtls is.",
    "error DestinationRule shop/x: spec.trafficPolicy.tls.zzzzzz of DestinationRule shop/x is no field of Istio's.",
    "error DestinationRule shop/x: spec.trafficPolicy.portLevelSettings[0].tsl of DestinationRule shop/x is no field of Istio's; tls is.",
  ]);
});

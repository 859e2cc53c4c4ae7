/**
 * The Istio release whose behaviour the lab follows. The suffix says that no Istio binary runs here; version
 * parsers read it as a pre-release of that version.
 */
export const istioVersion = '1.28.0-lab';

/** Where images of the lab's own pods would come from. Nothing is ever pulled. */
export const istioHub = 'docker.io/istio';

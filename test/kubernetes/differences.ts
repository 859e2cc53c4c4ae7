/**
 * Where the lab's API server may answer otherwise than the real one: each with the reason. A difference that is
 * listed here and no longer there fails the suite as well, so that this list stays short and true.
 */
const media = 'the lab writes JSON alone: it says so, and clients that prefer protobuf take JSON';
const goPrinted = 'Go prints its own struct, the whole of it';
const istioWords =
  'Istio’s sentences are not copied: the lab’s CRDs hold types and rules, without descriptions';

export const differences: Readonly<Record<string, string>> = {
  'day: not acceptable': media,
  'reads: a table nobody knows': media,
  'day: explain': istioWords,
  'reads: explain a kind of Istio': istioWords,
  'reads: explain a field of Istio': istioWords,
  'reads: explain all the way down': istioWords,
  'reads: explain':
    'descriptions are read from the declarations of a client library, which wraps some of them',
  'reads: explain with values': 'the declarations of a client library do not name the values of an enum',
  'kinds: node': 'the taint of a node that is not ready yet is for a node controller, which the lab has not',
  'kinds: admission policy: what is not CEL': 'another parser of CEL, other words for its mistakes',
  'kinds: custom resource definition: nothing in it': 'the first mistakes are named, not all of them',
  'writes: JSON patch: a value of the wrong type': goPrinted,
  'writes: merge patch: unknown field, strict': goPrinted,
  'reads: what cannot change in a pod': goPrinted,
  'access: version, as nobody': 'the lab says that it is the lab',
};

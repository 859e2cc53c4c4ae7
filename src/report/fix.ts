/** A finding's fix as something to paste: a kubectl command, or YAML to apply. Nothing is carried out here. */
import { stringify } from 'yaml';
import type { ObjectRef } from '../istio/kubernetes.ts';
import type { FixChange } from '../mesh/findings/finding.ts';

export interface FormattedFix {
  /** `sh`: a command line; `yaml`: a manifest for `kubectl apply -f -`. */
  readonly language: 'sh' | 'yaml';
  readonly text: string;
}

/** Writes a change the way a person would type it. */
export function formatChange(change: FixChange): FormattedFix {
  switch (change.kind) {
    case 'apply':
      return { language: 'yaml', text: stringify(change.manifest, { lineWidth: 0 }).trimEnd() };
    case 'merge-patch':
      return patch(change.target, 'merge', JSON.stringify(change.patch));
    case 'json-patch':
      return patch(change.target, 'json', JSON.stringify(change.operations));
    case 'delete':
      return { language: 'sh', text: `kubectl delete ${kubectlName(change.target)}` };
    case 'restart':
      return { language: 'sh', text: restart(change.target) };
  }
}

function patch(target: ObjectRef, type: 'merge' | 'json', body: string): FormattedFix {
  return { language: 'sh', text: `kubectl patch ${kubectlName(target)} --type ${type} -p ${quote(body)}` };
}

/** Only these controllers know `rollout restart`; a bare pod's controller makes a new one after a deletion. */
function restart(target: ObjectRef): string {
  const rolled = ['Deployment', 'StatefulSet', 'DaemonSet'].includes(target.kind);
  return `kubectl ${rolled ? 'rollout restart' : 'delete'} ${kubectlName(target)}`;
}

/** `deployment cart -n shop`: kind and name as kubectl takes them, each quoted where it needs to be. */
function kubectlName(target: ObjectRef): string {
  const namespace = target.namespace === undefined ? '' : ` -n ${quote(target.namespace)}`;
  return `${quote(target.kind.toLowerCase())} ${quote(target.name)}${namespace}`;
}

/** POSIX shell quoting: bare when harmless, else in single quotes. Names come from files, so none is trusted. */
export function quote(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./][A-Za-z0-9_@%+=:,./-]*$/.test(word)
    ? word
    : `'${word.replaceAll("'", `'\\''`)}'`;
}

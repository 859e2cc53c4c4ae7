/** What `padlock lab up` says once the lab is there. */
export interface UpFacts {
  readonly program: string;
  readonly name: string;
  readonly server: string;
  readonly kubeconfig: string;
  readonly context: string;
  readonly nodes: number;
  readonly hasCurl: boolean;
  readonly merged: boolean;
  /** What a scenario deployed, in one line. */
  readonly scenario: string | undefined;
  readonly foreground: boolean;
  /** The line for a shell is read by a person below this text; `eval` takes it and shows nothing. */
  readonly shellLineShown: boolean;
}

/** For people, on standard error. */
export function upText(facts: UpFacts): string {
  const { program, name, merged } = facts;
  const named = name === 'lab' ? '' : ` --name ${name}`;
  const nodes = facts.nodes === 1 ? 'one node' : `${facts.nodes} nodes`;
  const lines = [
    `Lab "${name}" is up on ${facts.server}, with ${nodes} and Istio.`,
    ...(facts.hasCurl
      ? []
      : ['This machine has no curl; in pods a small one of the lab’s own takes its place.']),
    ...(merged ? [`It is context ${facts.context} in your own kubeconfig.`] : []),
    ...(facts.scenario === undefined ? [] : [`In its namespace shop: ${facts.scenario}.`]),
    facts.foreground
      ? 'Ctrl-C ends it.'
      : `\`${program} lab down${named}\` ends it.${facts.shellLineShown ? ' To use it in a shell:' : ''}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** The one line for a shell, on standard output: `eval "$(padlock lab up)"`. */
export function exportLine(kubeconfig: string): string {
  return `export KUBECONFIG=${shellWord(kubeconfig)}\n`;
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

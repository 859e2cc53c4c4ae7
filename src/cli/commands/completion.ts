/** `padlock completion`: each script asks `padlock __complete WORDS...` for what may come next. */
import type { Context } from '../context.ts';
import type { Shell } from './completion.route.ts';

const scripts = {
  bash: `_padlock() {
  local IFS=$'\\n'
  COMPREPLY=($(padlock __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1))
}
complete -o default -F _padlock padlock
`,
  zsh: `#compdef padlock
_padlock() {
  local -a proposals
  local line
  while IFS=$'\\t' read -r name brief; do
    proposals+=("\${name//:/\\\\:}:\${brief}")
  done < <(padlock __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( \${#proposals} )); then _describe padlock proposals; else _files; fi
}
compdef _padlock padlock
`,
  fish: `function __padlock_complete
  set -l words (commandline -opc) (commandline -ct)
  padlock __complete $words[2..-1] 2>/dev/null
end
complete -c padlock -a '(__padlock_complete)'
`,
} as const satisfies Record<Shell, string>;

export default async function completion(
  this: Context,
  _flags: Record<never, never>,
  shell: Shell,
): Promise<void> {
  await this.stdout.write(scripts[shell]);
}

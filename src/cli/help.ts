/** `--help`: the parser's facts about a command, laid out for the terminal's width by Padlock itself. */
import type { Application, Command, CommandContext, RouteMap, StricliIntegration } from '@stricli/core';
import pc from 'picocolors';
import { takesNamespaceAsArgument } from './namespace-argument.ts';

export interface HelpStyle {
  readonly color: boolean;
  /** The terminal's width. */
  readonly columns: number;
}

type Flags = NonNullable<Command<CommandContext>['parameters']['flags']>;
type Colors = ReturnType<typeof pc.createColors>;

/** A left column (a flag, a command) and what it means. */
export type HelpRow = readonly [left: string, right: string];

/** The integration that answers `--help` and `-h` anywhere, and a bare route map such as `padlock lab`. */
export function helpIntegration<C extends CommandContext>(style: HelpStyle): StricliIntegration<C> {
  return {
    flag: {
      brief: 'Print this help',
      aliases: ['h'],
      global: true,
      complete: true,
      defaultForRouteMap: true,
      run(app, { result }) {
        const write = (text: string): void => this.process.stdout.write(text);
        if ('parameters' in result.target) write(commandHelp(result.target, result.prefix, style));
        else write(routeMapHelp(app, result.target, result.prefix, style));
      },
    },
  };
}

/** @returns the help of one command. */
function commandHelp<C extends CommandContext>(
  command: Command<C>,
  prefix: readonly string[],
  style: HelpStyle,
): string {
  const colors = pc.createColors(style.color);
  const { flags = {}, aliases = {} } = command.parameters;
  const rows: HelpRow[] = [];
  for (const [name, flag] of Object.entries(flags)) {
    if ('hidden' in flag && flag.hidden === true) continue;
    rows.push([flagLabel(name, flag, aliases), flagMeaning(flag)]);
  }
  if (takesNamespaceAsArgument(command)) {
    rows.unshift(['  -n, --namespace NS', 'the namespace, as kubectl takes it; the same as naming it']);
  }
  const sections = [
    wrap(command.brief, style.columns),
    section(
      'USAGE',
      [`  ${[...prefix, ...positionalLabels(command), ...requiredFlags(flags), '[flags]'].join(' ')}`],
      colors,
    ),
    reflow(command.fullDescription?.trim() ?? '', style.columns),
    section('FLAGS', layOut([...rows, ...globalRows], style), colors),
  ];
  return `${sections.filter((text) => text !== '').join('\n\n')}\n`;
}

function routeMapHelp<C extends CommandContext>(
  app: Application<C>,
  routes: RouteMap<C>,
  prefix: readonly string[],
  style: HelpStyle,
): string {
  const colors = pc.createColors(style.color);
  const commands = routes
    .getAllEntries()
    .filter((entry) => !entry.hidden)
    .map((entry): HelpRow => [`  ${entry.name['convert-camel-to-kebab']}`, entry.target.brief]);
  const flags = routes === app.root ? [...globalRows, versionRow] : globalRows;
  const sections = [
    wrap(routes.brief, style.columns),
    section('USAGE', [`  ${prefix.join(' ')} COMMAND [flags]`], colors),
    reflow(routes.fullDescription?.trim() ?? '', style.columns),
    section('COMMANDS', layOut(commands, style), colors),
    section('FLAGS', layOut(flags, style), colors),
    `\`${prefix.join(' ')} COMMAND --help\` says more about one command.`,
  ];
  return `${sections.filter((text) => text !== '').join('\n\n')}\n`;
}

const globalRows: readonly HelpRow[] = [
  ['      --debug', 'add causes and stack traces to errors (or PADLOCK_DEBUG=1)'],
  ['  -h, --help', 'print this help'],
];
const versionRow: HelpRow = ['  -v, --version', 'print the version'];

function section(title: string, lines: readonly string[], colors: Colors): string {
  return [colors.bold(title), ...lines].join('\n');
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function flagLabel(
  name: string,
  flag: Flags[string],
  aliases: Readonly<Partial<Record<string, string>>>,
): string {
  const alias = Object.entries(aliases).find(([, target]) => target === name)?.[0];
  const long = `--${'default' in flag && flag.default === true ? 'no-' : ''}${kebab(name)}`;
  const value =
    flag.kind === 'parsed'
      ? ` ${flag.placeholder ?? 'VALUE'}`
      : flag.kind === 'enum'
        ? ` ${flag.values.join('|')}`
        : '';
  return `  ${alias === undefined ? '    ' : `-${alias}, `}${long}${value}`;
}

function flagMeaning(flag: Flags[string]): string {
  const notes: string[] = [];
  if ('variadic' in flag && flag.variadic) notes.push('may be repeated');
  if (
    'default' in flag &&
    flag.default !== undefined &&
    typeof flag.default !== 'boolean' &&
    flag.default !== ''
  ) {
    notes.push(`default ${String(flag.default)}`);
  }
  return notes.length === 0 ? flag.brief : `${flag.brief} (${notes.join('; ')})`;
}

function positionalLabels<C extends CommandContext>(command: Command<C>): readonly string[] {
  const { positional } = command.parameters;
  if (positional === undefined) return [];
  if (positional.kind === 'array') {
    const name = positional.parameter.placeholder ?? 'ARG';
    return [(positional.minimum ?? 0) > 0 ? `${name}...` : `[${name}...]`];
  }
  return positional.parameters.map(({ placeholder = 'ARG', optional, default: fallback }) =>
    optional === true || fallback !== undefined ? `[${placeholder}]` : placeholder,
  );
}

/** Required flags belong in the usage line; the rest are `[flags]`. */
function requiredFlags(flags: Flags): readonly string[] {
  return Object.entries(flags)
    .filter(
      ([, flag]) =>
        flag.kind !== 'boolean' &&
        flag.optional !== true &&
        !('default' in flag && flag.default !== undefined),
    )
    .map(([name, flag]) => `--${kebab(name)} ${flag.placeholder ?? 'VALUE'}`);
}

/** Two columns; the right one is wrapped, and starts on its own line where the left one is too long. */
export function layOut(rows: readonly HelpRow[], style: HelpStyle): readonly string[] {
  const widest = Math.max(0, ...rows.map(([left]) => left.length));
  const indent = Math.min(widest, 30) + 2;
  return rows.flatMap(([left, right]) => {
    const lines = wrap(right, Math.max(24, style.columns - indent)).split('\n');
    const first = left.length + 2 <= indent ? `${left.padEnd(indent)}${lines.shift() ?? ''}` : left;
    return [first, ...lines.map((line) => ' '.repeat(indent) + line)];
  });
}

/** Wraps the prose of a description to the width; indented lines (examples, tables) and headings stay as they are. */
function reflow(text: string, columns: number): string {
  const isFixed = (line: string): boolean => line === '' || line.startsWith(' ') || /^[A-Z ]+$/.test(line);
  const lines: string[] = [];
  let prose: string[] = [];
  const flush = (): void => {
    if (prose.length > 0) lines.push(wrap(prose.join(' '), columns));
    prose = [];
  };
  for (const line of text.split('\n')) {
    if (!isFixed(line)) {
      prose.push(line);
      continue;
    }
    flush();
    lines.push(line);
  }
  flush();
  return lines.join('\n');
}

/** Breaks a text at spaces so that no line is wider than `columns`, where a word allows it. */
export function wrap(text: string, columns: number): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].join('\n');
}

/**
 * The command line's map. A command is two files: `commands/NAME.route.ts` (flags and help; loaded always, so it
 * imports nothing heavy) and `commands/NAME.ts` (what it does; loaded when it runs). A new command is one line here.
 */
import { type Application, buildApplication, buildRouteMap, text_en, version } from '@stricli/core';
import packageJson from '../../package.json' with { type: 'json' };
import { PadlockError } from '../errors.ts';
import { authzRoute } from './commands/authz.route.ts';
import { certsRoute } from './commands/certs.route.ts';
import { checkRoute } from './commands/check.route.ts';
import { completionRoute } from './commands/completion.route.ts';
import { dashboardRoute } from './commands/dashboard.route.ts';
import { demoRoute } from './commands/demo.route.ts';
import { diffRoute } from './commands/diff.route.ts';
import { evidenceRoute } from './commands/evidence.route.ts';
import { explainRoute } from './commands/explain.route.ts';
import { guardRoute } from './commands/guard.route.ts';
import { labRoute } from './commands/lab.route.ts';
import { planRoute } from './commands/plan.route.ts';
import { postureRoute } from './commands/posture.route.ts';
import { rbacRoute } from './commands/rbac.route.ts';
import { rolloutRoute } from './commands/rollout.route.ts';
import { secureRoute } from './commands/secure.route.ts';
import { snapshotRoute } from './commands/snapshot.route.ts';
import { verifyRoute } from './commands/verify.route.ts';
import { watchRoute } from './commands/watch.route.ts';
import type { Context } from './context.ts';
import { type HelpStyle, helpIntegration } from './help.ts';
import { didYouMean, type ErrorStyle, exitCodeOf, formatError } from './print-error.ts';

/** Every command; `buildPadlock` makes the application of them. */
export const padlockRoutes = buildRouteMap({
  routes: {
    // In the order of the work: look, prove, change, keep.
    posture: postureRoute,
    explain: explainRoute,
    check: checkRoute,
    diff: diffRoute,
    plan: planRoute,
    verify: verifyRoute,
    certs: certsRoute,
    evidence: evidenceRoute,
    secure: secureRoute,
    rollout: rolloutRoute,
    guard: guardRoute,
    watch: watchRoute,
    authz: authzRoute,
    dashboard: dashboardRoute,
    snapshot: snapshotRoute,
    rbac: rbacRoute,
    lab: labRoute,
    demo: demoRoute,
    completion: completionRoute,
  },
  docs: {
    brief: 'Takes an Istio namespace from plaintext to proven STRICT mutual TLS, and keeps it there.',
  },
});

/** Builds the application; `style` says how errors are printed (see print-error.ts). */
export function buildPadlock(program: string, style: ErrorStyle & HelpStyle): Application<Context> {
  const formatThrown = (thrown: unknown): string => formatError(thrown, style);
  return buildApplication(
    padlockRoutes,
    {
      name: program,
      scanner: { caseStyle: 'allow-kebab-for-camel', allowArgumentEscapeSequence: true },
      // Colours are put on by the texts themselves, where they are wanted.
      documentation: { disableAnsiColor: true },
      determineExitCode: exitCodeOf,
      localization: {
        text: {
          ...text_en,
          noCommandRegisteredForInput: ({ input, corrections }) =>
            formatError(unknownCommand(input, corrections), style),
          exceptionWhileParsingArguments: formatThrown,
          exceptionWhileLoadingCommandFunction: formatThrown,
          exceptionWhileLoadingCommandContext: formatThrown,
          exceptionWhileRunningCommand: formatThrown,
          commandErrorResult: formatThrown,
          exceptionWhileRunningIntegrationHook: ({ exception }) => formatThrown(exception),
          exceptionWhileRunningIntegrationFlag: ({ exception }) => formatThrown(exception),
        },
      },
    },
    {
      help: helpIntegration(style),
      version: version({
        brief: 'Print the version',
        info: { currentVersion: packageJson.version },
      }),
    },
  );
}

function unknownCommand(input: string, corrections: readonly string[]): PadlockError {
  if (input.startsWith('-')) {
    return new PadlockError('USAGE', `${input} comes before the command`, {
      hint: 'the command comes first: padlock posture --context NAME',
    });
  }
  return new PadlockError('USAGE', `unknown command "${input}"${didYouMean(corrections)}`);
}

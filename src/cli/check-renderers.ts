/** The output formats of `padlock check`, each loaded only when it is asked for. */
import type { CheckReport } from '../report/check/check-report.ts';
import type { TextOptions } from '../report/check/check-text.ts';
import type { CheckOutput } from './commands/check.route.ts';

export type CheckRenderer = (report: CheckReport, style: TextOptions) => string;

export const checkRenderers: Readonly<Record<CheckOutput, () => Promise<CheckRenderer>>> = {
  text: async () => (await import('../report/check/check-text.ts')).renderCheckText,
  json: async () => (await import('../report/check/check-json.ts')).renderCheckJson,
  yaml: async () => (await import('../report/check/check-json.ts')).renderCheckYaml,
  sarif: async () => (await import('../report/check/check-sarif.ts')).renderCheckSarif,
  junit: async () => (await import('../report/check/check-junit.ts')).renderCheckJunit,
  markdown: async () => (await import('../report/check/check-markdown.ts')).renderCheckMarkdown,
  github: async () => (await import('../report/check/check-github.ts')).renderCheckGithub,
};

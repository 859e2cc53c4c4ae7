/** The scenarios' names, apart from their objects: the command line's help needs no more. */
export const scenarioNames = [
  'plaintext-client',
  'job',
  'webhook',
  'scraper',
  'headless',
  'server-first',
  'all',
] as const;

export type ScenarioName = (typeof scenarioNames)[number];

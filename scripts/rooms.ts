/** `npm run lint`: prints each import that goes against the rooms' directions (see test/rooms.ts for the rule). */
import { wrongImports } from '../test/rooms.ts';

const wrong = wrongImports('src');
for (const line of wrong) process.stdout.write(`${line}\n`);
process.exitCode = wrong.length === 0 ? 0 : 1;

/** `padlock posture`: read, evaluate, print. */
import type { Context } from '../context.ts';
import type { PostureFlags } from './posture.route.ts';

export default async function posture(this: Context, flags: PostureFlags): Promise<void> {
  await this.stdout.write(`${flags.output}\n`);
}

import { textAt } from '../../kubernetes/objects.js';
import { parseArguments, UsageProblem } from './arguments.js';
import type { JobContext } from './context.js';

/** `step get [ATTRIBUTE] [--step KEY] [--format string|json]` */
export async function stepCommand(args: readonly string[], context: JobContext): Promise<number> {
  const [action = '', ...rest] = args;
  if (action !== 'get') throw new UsageProblem(`the sandbox does not know "step ${action}"; it knows "step get"`);
  const { words, values } = parseArguments(rest, { step: 'value', format: 'value', build: 'value' });
  const step = values.get('step') ?? context.env['BUILDKITE_STEP_ID'] ?? '';
  const json = { attribute: words[0], build_id: context.buildId, format: values.get('format') };
  const path = `steps/${encodeURIComponent(step)}/export`;
  const { body } = await context.api().send({ method: 'POST', path, json });
  process.stdout.write(textAt(body, 'output'));
  return 0;
}

/** `secret get KEY` */
export async function secretCommand(args: readonly string[], context: JobContext): Promise<number> {
  const [action = '', key = ''] = args;
  if (action !== 'get' || key === '') throw new UsageProblem('the sandbox knows "secret get KEY" only');
  const path = `jobs/${context.jobId}/secrets?key=${encodeURIComponent(key)}`;
  const { body } = await context.api().send({ method: 'GET', path });
  process.stdout.write(`${textAt(body, 'value')}\n`);
  return 0;
}

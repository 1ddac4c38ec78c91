import { randomUUID } from 'node:crypto';
import { textAt } from '../../kubernetes/objects.js';
import { parseArguments, UsageProblem, type Arguments } from './arguments.js';
import { readStandardInput, type JobContext } from './context.js';

/** `step get [ATTRIBUTE] [--step KEY] [--format string|json] | update ATTRIBUTE [VALUE] [--step KEY] [--append]` */
export async function stepCommand(args: readonly string[], context: JobContext): Promise<number> {
  const [action = '', ...rest] = args;
  if (action !== 'get' && action !== 'update') {
    throw new UsageProblem(`the sandbox does not know "step ${action}"; it knows get and update`);
  }
  const parsed = parseArguments(rest, { step: 'value', format: 'value', build: 'value', append: 'switch' });
  const step = parsed.values.get('step') ?? context.env['BUILDKITE_STEP_ID'] ?? '';
  const path = `steps/${encodeURIComponent(step)}`;
  return action === 'get' ? getStep(path, parsed, context) : updateStep(path, parsed, context);
}

async function getStep(step: string, { words, values }: Arguments, context: JobContext): Promise<number> {
  const json = { attribute: words[0], build_id: context.buildId, format: values.get('format') };
  const { body } = await context.api().send({ method: 'POST', path: `${step}/export`, json });
  process.stdout.write(`${textAt(body, 'output')}\n`);
  return 0;
}

async function updateStep(path: string, { words, switches }: Arguments, context: JobContext): Promise<number> {
  const [attribute, value] = words;
  if (attribute === undefined) throw new UsageProblem('"step update" needs an attribute');
  const json = {
    idempotency_uuid: randomUUID(),
    build_id: context.buildId,
    attribute,
    value: value ?? (await readStandardInput()),
    append: switches.has('append'),
  };
  await context.api().send({ method: 'PUT', path, json });
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

import { parseArguments, UsageProblem } from './arguments.js';
import { readStandardInput, type JobContext } from './context.js';

/** `annotate [BODY] [--style S] [--context C] [--append] [--priority N] [--scope build|job]` */
export async function annotateCommand(args: readonly string[], context: JobContext): Promise<number> {
  const { words, values, switches } = parseArguments(args, {
    style: 'value',
    context: 'value',
    priority: 'value',
    scope: 'value',
    job: 'value',
    append: 'switch',
  });
  const named = ['style', 'context'].flatMap((name) => {
    const value = values.get(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  const json = {
    body: words[0] ?? (await readStandardInput()),
    ...Object.fromEntries(named),
    ...(switches.has('append') ? { append: true } : {}),
    priority: Number(values.get('priority') ?? '3'),
    scope: values.get('scope') ?? 'build',
  };
  await context.api().send({ method: 'POST', path: `jobs/${context.jobId}/annotations`, json });
  return 0;
}

/** `annotation remove [--context C] [--scope build|job]` */
export async function annotationCommand(args: readonly string[], context: JobContext): Promise<number> {
  const { words, values } = parseArguments(args, { context: 'value', scope: 'value' });
  if (words[0] !== 'remove') throw new UsageProblem('the sandbox knows "annotation remove" only');
  const name = encodeURIComponent(values.get('context') ?? 'default');
  const scope = encodeURIComponent(values.get('scope') ?? 'build');
  await context.api().send({ method: 'DELETE', path: `jobs/${context.jobId}/annotations/${name}?scope=${scope}` });
  return 0;
}

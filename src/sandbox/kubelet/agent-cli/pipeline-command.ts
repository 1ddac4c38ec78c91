import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { interpolateTree } from '../../../core/pipeline/interpolate-tree.js';
import { DEFAULT_PIPELINE_FILES } from '../../../core/pipeline/parse-pipeline.js';
import { parseSourceTree, valueOf } from '../../../core/pipeline/source-tree.js';
import { textAt } from '../../kubernetes/objects.js';
import type { AgentApi } from '../agent/agent-http.js';
import { parseArguments, UsageProblem } from './arguments.js';
import { readStandardInput, type JobContext } from './context.js';

const POLLS = 60;
const POLL_MS = 500;

/** `pipeline upload [FILE] [--replace] [--no-interpolation] [--dry-run]`; without a file standard input, else the usual places. */
export async function pipelineCommand(args: readonly string[], context: JobContext): Promise<number> {
  const [action = '', ...rest] = args;
  if (action !== 'upload')
    throw new UsageProblem(`the sandbox does not know "pipeline ${action}"; it knows "pipeline upload"`);
  const { words, switches } = parseArguments(rest, {
    replace: 'switch',
    'no-interpolation': 'switch',
    'dry-run': 'switch',
    'reject-secrets': 'switch',
  });
  const { text, name } = await readPipeline(words[0]);
  const pipelines = parse(text, name, switches.has('no-interpolation') ? undefined : context.env);
  for (const pipeline of pipelines) {
    if (switches.has('dry-run')) process.stdout.write(`${JSON.stringify(pipeline, undefined, 2)}\n`);
    else await upload(context, pipeline, { replace: switches.has('replace') });
  }
  return 0;
}

async function readPipeline(file: string | undefined): Promise<{ readonly text: string; readonly name: string }> {
  if (file !== undefined && file !== '-') {
    if (!existsSync(file)) throw new UsageProblem(`there is no file "${file}" in ${process.cwd()}`);
    return { text: await readFile(file, 'utf8'), name: file };
  }
  const usual = DEFAULT_PIPELINE_FILES.find((candidate) => existsSync(candidate));
  if (file === undefined && usual !== undefined && process.stdin.isTTY)
    return { text: await readFile(usual, 'utf8'), name: usual };
  const text = await readStandardInput();
  if (text.trim() !== '') return { text, name: '(stdin)' };
  if (file === undefined && usual !== undefined) return { text: await readFile(usual, 'utf8'), name: usual };
  throw new UsageProblem('there is no pipeline: name a file or write one to standard input');
}

function parse(text: string, name: string, env: JobContext['env'] | undefined): readonly unknown[] {
  const { documents, problems } = parseSourceTree(text, name);
  const trees = documents.map((root) =>
    env === undefined ? { root, problems: [] } : interpolateTree(root, text, defined(env)),
  );
  const errors = [...problems, ...trees.flatMap((tree) => tree.problems)].filter(
    ({ severity }) => severity === 'error',
  );
  const [first] = errors;
  if (first !== undefined) throw new UsageProblem(`${name}:${first.at.line}:${first.at.column}: ${first.message}`);
  // A bare list is short for a pipeline of these steps.
  return trees.map(({ root }) => valueOf(root)).map((value) => (Array.isArray(value) ? { steps: value } : value));
}

function defined(env: JobContext['env']): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

async function upload(
  context: JobContext,
  pipeline: unknown,
  { replace }: { readonly replace: boolean },
): Promise<void> {
  const api = context.api();
  const uuid = randomUUID();
  const json = { uuid, pipeline, ...(replace ? { replace: true } : {}) };
  const answer = await api.send({ method: 'POST', path: `jobs/${context.jobId}/pipelines?async=true`, json });
  if (answer.status === 202) await untilApplied(api, `jobs/${context.jobId}/pipelines/${uuid}`);
  process.stderr.write('uploaded the pipeline\n');
}

async function untilApplied(api: AgentApi, path: string): Promise<void> {
  for (let poll = 0; poll < POLLS; poll += 1) {
    const { body } = await api.send({ method: 'GET', path });
    const state = textAt(body, 'state');
    if (state === 'applied') return;
    if (state === 'rejected' || state === 'failed')
      throw new UsageProblem(`the pipeline was ${state}: ${textAt(body, 'message')}`);
    await sleep(POLL_MS);
  }
  throw new UsageProblem('buildkite has not applied the pipeline in time');
}

import { at, textAt } from '../../kubernetes/objects.js';
import { ApiRefusal } from '../agent/agent-http.js';
import { parseArguments, UsageProblem, type Arguments } from './arguments.js';
import { readStandardInput, type JobContext } from './context.js';

const MISSING = 100;

/** `meta-data set KEY [VALUE] | set-batch KEY=VALUE… | get KEY [--default D] | exists KEY | keys` */
export async function metaDataCommand(args: readonly string[], context: JobContext): Promise<number> {
  const [name = '', ...rest] = args;
  const action = ACTIONS[name];
  if (action === undefined) {
    throw new UsageProblem(
      `the sandbox does not know "meta-data ${name}"; it knows ${Object.keys(ACTIONS).join(', ')}`,
    );
  }
  const parsed = parseArguments(rest, { default: 'value', job: 'value', build: 'value' });
  if (parsed.words[0] === undefined && name !== 'keys') throw new UsageProblem(`"meta-data ${name}" needs a key`);
  const post: Post = async (call, json) => {
    const path = `jobs/${context.jobId}/data/${call}`;
    return (await context.api().send({ method: 'POST', path, json })).body;
  };
  return action(post, parsed);
}

/** Asks one of the meta-data calls and gives back its answer. */
type Post = (call: string, json: object) => Promise<unknown>;

const ACTIONS: Readonly<Record<string, (post: Post, parsed: Arguments) => Promise<number>>> = {
  set: async (post, { words: [key, value] }) => {
    await post('set', item(key, value ?? (await readStandardInput())));
    return 0;
  },
  'set-batch': async (post, { words }) => {
    const items = words.map((word) => {
      const [key, ...value] = word.split('=');
      if (value.length === 0) throw new UsageProblem(`"${word}" must be in KEY=VALUE format`);
      return item(key, value.join('='));
    });
    await post('set-batch', { items });
    return 0;
  },
  get: async (post, { words: [key], values }) => {
    process.stdout.write(await getOrDefault(() => post('get', { key }), values.get('default')));
    return 0;
  },
  exists: async (post, { words: [key] }) => (at(await post('exists', { key }), 'exists') === true ? 0 : MISSING),
  keys: async (post) => {
    const keys = await post('keys', {});
    for (const key of Array.isArray(keys) ? keys : []) process.stdout.write(`${String(key)}\n`);
    return 0;
  },
};

/** The agent itself refuses blank keys and values. */
function item(key = '', value: string): object {
  if (key.trim() === '' || value.trim() === '') throw new UsageProblem('a key or value cannot be empty or blank');
  return { key, value };
}

async function getOrDefault(get: () => Promise<unknown>, fallback: string | undefined): Promise<string> {
  try {
    return textAt(await get(), 'value');
  } catch (error) {
    if (error instanceof ApiRefusal && error.status === 404 && fallback !== undefined) return fallback;
    throw error;
  }
}

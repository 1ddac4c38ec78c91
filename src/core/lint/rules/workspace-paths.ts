import type { V1PodSpec } from '@kubernetes/client-node';
import { imageAttribute } from '../command-containers.js';
import type { LintJob } from '../lint-job.js';
import type { Found, StepContext } from '../rule.js';
import { type CommandScript, commandScripts, locateInScript } from '../scripts.js';
import { baseName, commandWords, effectiveWords } from '../text/shell/commands.js';
import type { SimpleCommand, Word } from '../text/shell/script.js';

/** What the controller itself puts below /workspace. */
const CONTROLLERS = new Set([
  'build',
  'plugins',
  'sockets',
  'hooks',
  'buildkite-agent',
  'tini-static',
  'buildkite.sock',
  'buildkite-git-credentials',
]);
/** Programs that make the files they name. */
const MAKERS =
  /^(?:mkdir|git|cp|mv|tar|unzip|curl|wget|touch|rsync|ln|tee|install|dd|docker|podman|buildah|buildkite-agent|aws|gsutil|gcloud|az|s3cmd|rclone|helm|make|cmake|rm|chown|chmod|find|test|\[|\[\[|export|echo|printf|mktemp|kaniko|\/kaniko\/executor|buildctl|virtualenv|tox|terraform)$/;
/** Options with a place to write to. */
const OUTPUT = /^(?:-[oOdCD]|--?(?:out|dest|target|prefix|cache|dir|root|output|report|log|work|home|tmp|temp)\S*)$/i;
const BELOW = /^(?:--?[\w-]+=)?\/workspace\/([\w.-]+)/;

/** Paths of the image that the volume of the job covers. */
export function* hiddenPaths(job: LintJob, context: StepContext): Iterable<Found> {
  const { step, baseUnknown } = job;
  const runsInKubernetes = step.kubernetes.length > 0 || imageAttribute(step) !== undefined;
  const scripts = runsInKubernetes ? commandScripts(step).filter(({ text }) => text.includes('/workspace/')) : [];
  if (scripts.length === 0 || baseUnknown || !isFresh(context)) return;
  // Asked for only now: the pod is built then.
  const { pod } = job;
  if (pod === undefined || !isAlone(pod)) return;
  const mounts = pod.containers.flatMap(({ volumeMounts }) => volumeMounts ?? []);
  const mounted = mounts.flatMap(({ mountPath }) => BELOW.exec(mountPath)?.[1] ?? []);
  for (const script of scripts) yield* hiddenIn(script, new Set([...CONTROLLERS, ...mounted]), context);
}

/** Whether the workspace is empty when a job begins. */
function isFresh({ world: { config } }: StepContext): boolean {
  return config.workspaceVolume === undefined || config.workspaceVolume.emptyDir !== undefined;
}

/** Whether nobody but the commands can put anything into the workspace. */
function isAlone({ initContainers = [] }: V1PodSpec): boolean {
  return initContainers.every(({ name }) => /^(?:copy-agent|imagecheck-\d+)$/.test(name));
}

function* hiddenIn(script: CommandScript, known: Set<string>, context: StepContext): Iterable<Found> {
  for (const command of commandWords(script.text)) {
    for (const word of made(command)) note(word, known);
    for (const word of effectiveWords(command)) {
      const name = BELOW.exec(word.text ?? '')?.[1];
      if (name === undefined || known.has(name)) continue;
      known.add(name);
      yield {
        rule: 'volume/workspace-hides-image',
        at: locateInScript(script, word, context),
        message: `"/workspace/${name}" of the image cannot be seen: the controller mounts the empty volume of the job at /workspace; keep the image's files elsewhere`,
      };
    }
  }
}

/** The words of a command that may name what it makes. */
function made(command: SimpleCommand): readonly (Word | undefined)[] {
  const words = effectiveWords(command);
  const outputs = words.filter(
    (word, index) => OUTPUT.test(words[index - 1]?.source ?? '') || /^--?[\w-]+=/.test(word.source),
  );
  const isMaker = MAKERS.test(baseName(words[0]?.text ?? ''));
  return [...command.redirections.map(({ target }) => target), ...command.assignments, ...(isMaker ? words : outputs)];
}

function note(word: Word | undefined, known: Set<string>): void {
  const name = /\/workspace\/([\w.-]+)/.exec(word?.source ?? '')?.[1];
  if (name !== undefined) known.add(name);
}

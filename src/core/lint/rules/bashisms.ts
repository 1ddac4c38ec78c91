import type { SourceNode } from '../../pipeline/source-tree.js';
import { hasValue, imageAttribute, isOpen } from '../command-containers.js';
import type { LintCommandStep } from '../document.js';
import { splitImage } from '../image-names.js';
import { knownText, mapsIn, nodeAt, writtenText } from '../nodes.js';
import type { Found, RuleSet, DocumentContext } from '../rule.js';
import { type CommandScript, commandScripts, locateInScript } from '../scripts.js';
import { parseUploadText, uploadErrors } from '../text/upload-text.js';
import { type Bashism, bashisms } from '../text/shell/bashisms.js';
import type { WrittenContainer } from '../written-containers.js';
import { isInterposedByLine } from './shell-vectors.js';
import { hiddenPaths } from './workspace-paths.js';

/** What the text of a command asks of the image it runs in. */
export const scriptRules: RuleSet = {
  rules: [
    {
      id: 'command/bashism',
      severity: 'warning',
      summary: 'A command uses bash, but runs with /bin/sh.',
      why: 'In Kubernetes the agent runs commands with "/bin/sh -ec" of the image, not with bash as an agent on a machine does. In images made from Debian and Ubuntu that is dash, which knows neither "[[" nor "pipefail": the build fails at that line, or takes the wrong branch.',
      remedy:
        'Put the commands into a script with a "#!" line, wrap them in "bash -c", or set BUILDKITE_SHELL in the env of the container ("/bin/bash -ec").',
    },
    {
      id: 'volume/workspace-hides-image',
      severity: 'info',
      summary: 'A command uses files of the image below /workspace.',
      why: 'The controller mounts the volume of the job at /workspace in every container, so what the image has there cannot be seen: "No such file or directory", although the same command works elsewhere.',
      remedy: 'Put the files of the image anywhere else.',
    },
  ],
  checks: [
    { scope: 'step', check: unfitScripts },
    { scope: 'job', check: hiddenPaths },
  ],
};

/** Which shell is /bin/sh: `unknown` for images that nobody knows. */
type Shell = 'bash' | 'busybox' | 'dash' | 'unknown';

/** Most bashisms that a message names. */
const MAX_NAMED = 3;

function* unfitScripts(step: LintCommandStep, context: DocumentContext): Iterable<Found> {
  const runsInKubernetes = step.kubernetes.length > 0 || imageAttribute(step) !== undefined;
  if (!runsInKubernetes || runsElsewhere(step)) return;
  for (const script of commandScripts(step)) {
    if (!script.ofStep && !isInterposedByLine(step, context)) continue;
    const found = unfit(step, script, context);
    if (found !== undefined) yield found;
  }
}

function unfit(step: LintCommandStep, script: CommandScript, context: DocumentContext): Found | undefined {
  const shell = shellOf(step, script, context);
  const all = shell === 'bash' ? [] : reachable(script, context);
  const missing = all.filter(({ inBusybox }) => shell !== 'busybox' || !inBusybox);
  const [first] = [...missing, ...all];
  if (first === undefined) return undefined;
  const names = [...new Set((missing.length > 0 ? missing : all).map(({ what }) => what))];
  const more = names.length > 1 ? ` (like ${names.slice(1, MAX_NAMED).map(quote).join(' and ')} here)` : '';
  const which = missing.length > 0 ? WHICH[shell] : 'which knows it only because it is busybox here';
  return {
    rule: 'command/bashism',
    at: locateInScript(script, first, context),
    message: `${quote(first.what)}${more} is bash, but commands run with "/bin/sh -ec" of the image, ${which}; use a script with a "#!" line or "bash -c", or set BUILDKITE_SHELL in the container's env`,
    ...((shell === 'unknown' || missing.length === 0) && { severity: 'info' as const }),
  };
}

/** The bashisms that get to the shell: what the upload fails on already has a finding. */
function reachable({ text, items }: CommandScript, { world }: DocumentContext): readonly Bashism[] {
  const fails = world.interpolate && items.some((item) => uploadErrors(parseUploadText(writtenText(item))).length > 0);
  return bashisms(text).filter(({ what }) => !fails || !what.startsWith('${'));
}

const WHICH: Readonly<Record<Shell, string>> = {
  dash: 'which is dash here and does not know it',
  busybox: 'which is busybox here and does not know it',
  unknown: 'which may be another shell',
  bash: '',
};

function quote(text: string): string {
  return `"${text}"`;
}

/** Plugins that run the command in a container of their own. */
function runsElsewhere({ plugins }: LintCommandStep): boolean {
  return plugins.some(({ use }) => /docker|compose|devcontainer|nix/i.test(use.name));
}

/** The shells that containers and configuration name, undefined for each that names none; empty = nobody knows here. */
export function chosenShells(
  { containers }: CommandScript,
  { world }: DocumentContext,
): readonly (string | undefined)[] {
  const configured = world.configName === undefined ? undefined : world.config.agentConfig?.shell;
  return [...containers.map(({ node }) => shellSetting(node)), configured];
}

/** The shell that reads a script. */
export function shellOf(step: LintCommandStep, script: CommandScript, context: DocumentContext): Shell {
  const { containers } = script;
  const { world } = context;
  // Whoever chose a shell knows what it can do, and an unknown one may be any.
  if (chosenShells(script, context).some((shell) => shell !== undefined && !/(?:^|\/)sh\b/.test(shell))) return 'bash';
  const attribute = imageAttribute(step);
  if (attribute !== undefined) return isPatched(containers) ? 'unknown' : familyOf(knownText(attribute.node));
  const images = containers.flatMap(({ node }) => knownText(nodeAt(node, ['image'])) ?? []);
  if (images.length > 0) return strictest(images.map(familyOf));
  return isDefault(step, script) && world.configName !== undefined ? familyOf(world.config.image) : 'unknown';
}

/** Whether the script runs in the container that the controller makes when there is none. */
function isDefault(step: LintCommandStep, { containers, ofStep }: CommandScript): boolean {
  return ofStep && containers.length === 0 && nodeAt(step.kubernetes.at(-1)?.config, ['podTemplate']) === undefined;
}

function isPatched(containers: readonly WrittenContainer[]): boolean {
  return containers.some(({ node, within }) => within === 'podSpecPatch' && hasValue(node, 'image'));
}

function shellSetting(container: SourceNode): string | undefined {
  const entry = mapsIn(nodeAt(container, ['env'])).find(
    (item) => knownText(nodeAt(item, ['name'])) === 'BUILDKITE_SHELL',
  );
  return entry === undefined ? undefined : (knownText(nodeAt(entry, ['value'])) ?? '');
}

function strictest(shells: readonly Shell[]): Shell {
  const order: readonly Shell[] = ['dash', 'busybox', 'unknown', 'bash'];
  return order.find((shell) => shells.includes(shell)) ?? 'unknown';
}

interface Family {
  readonly shell: Shell;
  /** Tested on the tag. */
  readonly tag?: RegExp;
  /** Tested on the path, without the registry and `library/`. */
  readonly path?: RegExp;
}

/** The first that fits decides. */
const FAMILIES: readonly Family[] = [
  { shell: 'busybox', tag: /alpine|busybox|musl/ },
  {
    shell: 'bash',
    tag: /ubi|rhel|centos|fedora|rocky|alma|amazonlinux|al2|oracle|windows|nanoserver|distroless|chiseled/,
  },
  { shell: 'dash', tag: /(?:^|[-.\d])(?:slim|bookworm|bullseye|buster|trixie|jammy|noble|focal|bionic|debian|ubuntu)/ },
  { shell: 'busybox', path: /^(?:alpine|busybox|docker|bash|composer|alpine\/.*|buildkite\/agent|curlimages\/curl)$/ },
  {
    shell: 'bash',
    path: /(?:^|\/)(?:fedora|centos|rockylinux|almalinux|oraclelinux|amazonlinux|archlinux|ubi\d?|ubi-minimal|leap|tumbleweed|photon|mysql|aws-cli)$/,
  },
  {
    shell: 'dash',
    path: /^(?:debian|ubuntu|python|node|golang|ruby|rust|openjdk|eclipse-temurin|gradle|maven|php|perl|gcc|buildpack-deps|swift|elixir|erlang|haskell|julia|r-base|pypy|postgres|redis|nginx|httpd|tomcat|cimg\/.*|cypress\/.*|playwright.*|devcontainers\/.*)$/,
  },
];

function familyOf(image: string | undefined): Shell {
  if (image === undefined || isOpen(image)) return 'unknown';
  const { path, tag = '' } = splitImage(image);
  const name = path.replace(/^library\//, '');
  const family = FAMILIES.find((each) => (each.tag?.test(tag) ?? false) || (each.path?.test(name) ?? false));
  return family?.shell ?? 'unknown';
}

import type { ScalarNode, SourceNode } from '../../pipeline/source-tree.js';
import type { LintDocument } from '../document.js';
import type { Span } from '../finding.js';
import { entriesOf, itemsOf, mapsIn, nodeAt } from '../nodes.js';
import type { Found } from '../rule.js';
import { writtenContainers } from '../written-containers.js';

const RULE = 'security/literal-secret';

/** Shapes that nothing but a secret has. The first group, where there is one, is the secret. */
const SHAPES: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  { what: 'a GitHub token', pattern: /\bgh[pousr]_[A-Za-z0-9]{36,255}\b|\bgithub_pat_[A-Za-z0-9_]{60,255}\b/g },
  { what: 'a GitLab token', pattern: /\bgl(?:pat|dt|rt|cbt|ptt)-[A-Za-z0-9_-]{20,}/g },
  { what: 'an AWS access key', pattern: /\b(?:AKIA|ASIA)[A-Z2-7]{16}\b/g },
  {
    what: 'an AWS secret access key',
    pattern: /aws_?secret_?(?:access_?)?key["']?\s*[:=]\s*["']?([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])/gi,
  },
  { what: 'a Slack token', pattern: /\bxox[abeoprs]-[A-Za-z0-9-]{10,}|\bxapp-\d-[A-Za-z0-9-]{10,}/g },
  { what: 'a Slack webhook', pattern: /https:\/\/hooks\.slack\.com\/(?:services|workflows)\/T[A-Za-z0-9_/]{20,}/g },
  { what: 'a Google API key', pattern: /\bAIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])/g },
  { what: 'an npm token', pattern: /\bnpm_[A-Za-z0-9]{36}\b/g },
  { what: 'a PyPI token', pattern: /\bpypi-[A-Za-z0-9_-]{50,}/g },
  { what: 'a Docker Hub token', pattern: /\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}/g },
  { what: 'a Buildkite token', pattern: /\bbk(?:ua|at|ct|pt|ut)_[A-Za-z0-9]{32,}\b/g },
  { what: 'a Stripe key', pattern: /\b[sr]k_live_[A-Za-z0-9]{16,}\b/g },
  { what: 'a SendGrid key', pattern: /\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{32,}/g },
  { what: 'an OpenAI or Anthropic key', pattern: /\bsk-(?:proj-|ant-|svcacct-)[A-Za-z0-9_-]{24,}/g },
  { what: 'a Hugging Face token', pattern: /\bhf_[A-Za-z]{34}\b/g },
  { what: 'a Hashicorp Vault token', pattern: /\bhvs\.[A-Za-z0-9_-]{24,}/g },
  { what: 'a DigitalOcean token', pattern: /\bdo[op]_v1_[a-f0-9]{64}\b/g },
  { what: 'a JSON web token', pattern: /\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}/g },
  { what: 'a private key', pattern: /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----/g },
  {
    what: 'a password in a URL',
    pattern:
      /\b(?:https?|postgres(?:ql)?|mysql|mongodb(?:\+srv)?|rediss?|amqps?):\/\/[^\s/:@"'`$]*:([^\s/:@"'`$<>{}*]{4,})@(?!localhost|127\.)[\w-]+\.[\w.-]+/g,
  },
];
/** Cheap test that keeps the patterns away from the many files with nothing like a secret. */
const HINT =
  /gh[pousr]_|github_pat_|gl(?:pat|dt|rt|cbt|ptt)-|AKIA|ASIA|secret|xox|xapp-|hooks\.slack|AIza|npm_|pypi-|dckr_|bk(?:ua|at|ct|pt|ut)_|k_live_|SG\.|sk-|hf_|hvs\.|do[op]_v1|eyJ|PRIVATE KEY|:\/\/[^\s/]+:[^\s/]+@/i;

const PLACEHOLDERS = /example|x{5,}|\*{3,}|\.{3,}|0{12,}|1{12,}|your|placeholder|redacted|dummy|fake|changeme/i;

/** Secrets in clear text, wherever they stand in the file: comments are published, too. */
export function* literalSecrets(document: LintDocument): Iterable<Found> {
  if (document.pipeline === undefined) return;
  const taken: Span[] = [];
  if (HINT.test(document.text)) {
    for (const found of shapes(document.text)) {
      if (taken.some((span) => overlaps(span, found.at))) continue;
      taken.push(found.at);
      yield found;
    }
  }
  for (const { name, value } of namedValues(document)) {
    if (!isSecretName(name) || !isLiteral(value) || taken.some((span) => overlaps(span, value))) continue;
    taken.push(value);
    yield {
      rule: RULE,
      at: oneLine(value, document.text),
      severity: 'warning',
      secret: true,
      message: `"${name}" seems to hold a secret in clear text, which everyone who sees the pipeline or the Job can read; use a Kubernetes Secret ("envFrom") or Buildkite secrets`,
    };
  }
}

function* shapes(text: string): Iterable<Found> {
  for (const { what, pattern } of SHAPES) {
    for (const match of text.matchAll(pattern)) {
      const secret = match[1] ?? match[0];
      if (PLACEHOLDERS.test(secret) || WELL_KNOWN.test(secret) || new Set(secret).size < 6) continue;
      const start = match.index + match[0].lastIndexOf(secret);
      yield {
        rule: RULE,
        at: { start, end: start + secret.length },
        secret: true,
        message: `this looks like ${what} in clear text, which everyone who sees the pipeline or the Job can read; revoke it, and use a Kubernetes Secret ("envFrom") or Buildkite secrets`,
      };
    }
  }
}

function overlaps(one: Span, other: Span): boolean {
  return one.start < other.end && other.start < one.end;
}

function oneLine({ start, end }: Span, text: string): Span {
  const line = text.indexOf('\n', start);
  return { start, end: line < 0 ? end : Math.min(end, line) };
}

interface NamedValue {
  readonly name: string;
  readonly value: ScalarNode;
}

/** Variables of pipeline, steps and containers, and what plugins are configured with. */
function* namedValues({ roots, commandSteps }: LintDocument): Iterable<NamedValue> {
  for (const root of roots) yield* scalarEntries(nodeAt(root, ['env']));
  for (const step of commandSteps) {
    yield* scalarEntries(nodeAt(step.step.source, ['env']));
    for (const { node } of writtenContainers(step)) yield* envItems(nodeAt(node, ['env']));
    for (const plugin of step.plugins) {
      if (step.kubernetes.includes(plugin)) continue;
      yield* scalarEntries(plugin.config);
      for (const key of ['env', 'environment']) yield* scalarEntries(nodeAt(plugin.config, [key]));
    }
  }
}

function* scalarEntries(node: SourceNode | undefined): Iterable<NamedValue> {
  for (const { key, value } of entriesOf(node)) if (value.kind === 'scalar') yield { name: key, value };
  for (const item of itemsOf(node)) {
    const [, name] = item.kind === 'scalar' ? (/^(\w+)=/.exec(item.text) ?? []) : [];
    if (item.kind === 'scalar' && name !== undefined)
      yield {
        name,
        value: { ...item, text: item.text.slice(name.length + 1), value: item.text.slice(name.length + 1) },
      };
  }
}

function* envItems(list: SourceNode | undefined): Iterable<NamedValue> {
  for (const item of mapsIn(list)) {
    const [name, value] = [nodeAt(item, ['name']), nodeAt(item, ['value'])];
    if (name?.kind === 'scalar' && value?.kind === 'scalar') yield { name: name.text, value };
  }
}

const SECRET_NAME =
  /(?:^|_|-)(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|API[_-]?KEY|(?:ACCESS|SECRET|PRIVATE)[_-]KEY|CREDENTIALS?)$/i;
/** Names of things that are called like a secret and are none. */
const NO_SECRET_NAME = /(?:next|page|csrf|cancellation|max|min|num)_?token$/i;

function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name) && !NO_SECRET_NAME.test(name);
}

const WELL_KNOWN =
  /^(?:true|false|yes|no|on|off|none|null|nil|postgres|postgresql|root|toor|test|testing|tests|password|passw0rd|pass|passwd|secret|admin|administrator|example|changeme|changeit|dummy|fake|local|localhost|dev|develop|development|ci|build|user|username|redis|mysql|mongo|mongodb|minio|minioadmin|guest|buildkite|default|empty|unused|foo|bar|foobar|token|key|todo|test123|password123|admin123|secret123)$/i;
/** Names, references and paths, which are no secrets: words joined by `-`, `_`, `/`; ARNs; URLs; variables. */
const REFERENCE =
  /[$`{}<>]|^(?:[a-z]+(?:[-_./][a-z]+)+|[A-Z]+(?:_[A-Z0-9]+)*)$|^(?:[~.]?\/|\.\.\/)|\/[\w.-]+\/|^(?:arn|vault|op|ssm|sops|secret|secrets|awssm|gcpsm|file|env|https?|ref|k8s|projects)[:/]|\s|(?:password|secret|token|test|dummy|fake|example|placeholder|local)/i;

/** Whether a value could be the secret itself. */
function isLiteral({ text, value, written }: ScalarNode): boolean {
  if (written !== undefined || typeof value !== 'string' || text.length < 6) return false;
  return !WELL_KNOWN.test(text) && !REFERENCE.test(text) && !PLACEHOLDERS.test(text) && new Set(text).size > 3;
}

import type { RuleInfo } from './rule.js';

/** An example of a rule: a pipeline that breaks it, or one that only looks so. */
export interface RuleExample {
  /** As the fixture holds it, with its header. */
  readonly text: string;
  readonly isBad: boolean;
}

/** The page of a rule in Markdown, from what the rule says about itself and its fixtures. */
export function rulePage(rule: RuleInfo, examples: readonly RuleExample[]): string {
  const { id, summary, why, remedy } = rule;
  const bad = examples.filter(({ isBad }) => isBad);
  const good = examples.filter(({ isBad }) => !isBad);
  return [
    `# ${id}`,
    summary,
    factsOf(rule).join(' · '),
    '## Why',
    why,
    '## What to do',
    remedy,
    ...section(bad, 'Found', (text) => `${expectationOf(text, id)}\n\n`),
    ...section(good, 'Left alone', () => ''),
    '## How to ignore it',
    codeBlock('yaml', `# lint-ignore ${id} -- the reason`),
    `above the place or at the end of its line; for the whole project \`rules: { ${id}: off }\` in \`.agent-stack-lint.yaml\`. See [lint](${id.includes('/') ? '../../' : '../'}lint.md).`,
  ]
    .join('\n\n')
    .concat('\n');
}

/** The index of all pages: one table for each area. */
export function ruleIndex(rules: readonly RuleInfo[]): string {
  const areas = [...new Set(rules.map(({ id }) => areaOf(id)))].sort();
  const tables = areas.map((area) => {
    const rows = sortById(rules.filter(({ id }) => areaOf(id) === area)).map(
      (rule) => `| [${rule.id}](${rule.id}.md) | ${levelText(rule)} | ${rule.summary.replaceAll('|', '\\|')} |`,
    );
    return [`## ${area}`, ['| rule | severity | finds |', '| --- | --- | --- |', ...rows].join('\n')].join('\n\n');
  });
  const intro = `All ${rules.length} rules of [\`agent-stack-k8s lint\`](../lint.md), generated from the rules themselves. \`lint --explain RULE\` prints a page offline.`;
  return `${['# Rules', intro, ...tables].join('\n\n')}\n`;
}

function factsOf({ severity, strict, needs, fixable }: RuleInfo): string[] {
  const known = { config: '`--config`', facts: '`--facts`', shellcheck: '`shellcheck` in the PATH' };
  return [
    `Severity: **${severity}**${strict === undefined || strict === severity ? '' : `, **${strict}** in the preset \`strict\``}`,
    ...(needs === undefined ? [] : [`speaks only with ${known[needs]}`]),
    ...(fixable === true ? ['`--fix` mends it where only one thing can be meant'] : []),
  ];
}

function levelText({ severity, strict }: RuleInfo): string {
  return strict === undefined || strict === severity ? severity : `${severity} (strict: ${strict})`;
}

function section(
  examples: readonly RuleExample[],
  title: string,
  introduce: (text: string) => string,
): readonly string[] {
  if (examples.length === 0) return [];
  return [`## ${title}`, ...examples.map(({ text }) => introduce(text) + codeBlock('yaml', withoutHeader(text)))];
}

/** Lines of the header count in fixtures, and readers do not see them. */
function expectationOf(text: string, id: string): string {
  const header = headerOf(text).length;
  const lines = [...text.matchAll(/^# expect: (.*)$/gm)]
    .flatMap(([, places = '']) => places.trim().split(/\s+/))
    .filter((place) => place.startsWith(`${id}@`))
    .map((place) => Number(place.slice(id.length + 1).replace(/:.*/, '')) - header);
  const unique = [...new Set(lines)].sort((a, b) => a - b);
  const last = unique.pop();
  if (last === undefined) return 'Reported in:';
  return unique.length === 0 ? `In line ${last}:` : `In the lines ${unique.join(', ')} and ${last}:`;
}

function withoutHeader(text: string): string {
  return text.split('\n').slice(headerOf(text).length).join('\n').trimEnd();
}

function headerOf(text: string): readonly string[] {
  const lines = text.split('\n');
  const end = lines.findIndex((line) => !/^# (?:expect|with): /.test(line));
  return lines.slice(0, Math.max(end, 0));
}

/** The fence is longer than any in the text. */
function codeBlock(language: string, text: string): string {
  const fence = '`'.repeat(Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length)) + 1);
  return `${fence}${language}\n${text}\n${fence}`;
}

function sortById(rules: readonly RuleInfo[]): readonly RuleInfo[] {
  return [...rules].sort((a, b) => (a.id < b.id ? -1 : 1));
}

function areaOf(id: string): string {
  return id.split('/')[0] ?? '';
}

import type { Finding, Range, Severity } from '../../../core/lint/finding.js';
import { fingerprintAll } from '../../../core/lint/fingerprint.js';
import type { LintReport } from '../../../core/lint/report.js';
import type { RuleInfo } from '../../../core/lint/rule.js';
import type { TextLines } from '../../../core/lint/text-lines.js';
import { plainEdit, sourceLines } from './json.js';
import type { LintFormatter } from './lint-format.js';

const LEVELS = { error: 'error', warning: 'warning', info: 'note', off: 'none' } as const satisfies Record<
  Severity | 'off',
  string
>;

/** From 0 to 10, as in CVSS. */
const SECURITY = { error: '8.0', warning: '5.0', info: '2.0', off: '2.0' } as const satisfies Record<
  Severity | 'off',
  string
>;

/** SARIF 2.1.0, one run: what code scanning of GitHub and others read. Findings that comments ignore are in it as suppressed. */
export const formatSarif: LintFormatter = (report, { version }) => {
  const { findings, suppressed, rules } = report;
  const justified = new Map(suppressed.map(({ finding, justification }) => [finding, justification]));
  const all = [...findings, ...justified.keys()];
  const linesOf = sourceLines(report);
  const ids = rules.map(({ id }) => id);
  const results = fingerprintAll(all, report.sources).map(({ finding, fingerprint, occurrence }) => ({
    ruleId: finding.rule,
    ...(ids.includes(finding.rule) ? { ruleIndex: ids.indexOf(finding.rule) } : {}),
    level: LEVELS[finding.severity],
    message: { text: finding.message },
    locations: [locationOf(finding)],
    ...relatedOf(finding),
    partialFingerprints: { primaryLocationLineHash: `${fingerprint}:${occurrence}` },
    ...suppressionOf(justified.get(finding)),
    ...fixOf(finding, linesOf(finding.file)),
    properties: { uses: finding.uses, ...(finding.step === undefined ? {} : { step: finding.step }) },
  }));
  const run = {
    tool: { driver: driver(rules, version) },
    automationDetails: { id: 'agent-stack-k8s/lint/' },
    columnKind: 'utf16CodeUnits',
    invocations: [{ executionSuccessful: true }],
    artifacts: artifacts(report),
    results,
  };
  const log = { $schema: 'https://json.schemastore.org/sarif-2.1.0.json', version: '2.1.0', runs: [run] };
  return `${JSON.stringify(log, undefined, 2)}\n`;
};

function driver(rules: readonly RuleInfo[], version: string): object {
  return { name: 'agent-stack-k8s', version, semanticVersion: version, rules: rules.map(descriptor) };
}

function descriptor({ id, severity, summary, why, remedy }: RuleInfo): object {
  const help = `${why} ${remedy}`;
  return {
    id,
    name: id
      .split(/[^a-z0-9]+/)
      .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
      .join(''),
    shortDescription: { text: summary },
    fullDescription: { text: why },
    help: {
      text: help,
      markdown: `**${summary}**\n\n${why}\n\n${remedy}\n\n\`agent-stack-k8s lint --explain ${id}\` shows examples.`,
    },
    defaultConfiguration: { enabled: severity !== 'off', level: LEVELS[severity] },
    properties: {
      ...{ tags: [id.split('/')[0] ?? ''], precision: 'high', 'problem.severity': problemSeverity(severity) },
      // Code scanning lists rules with this among vulnerabilities.
      ...(id.startsWith('security/') ? { 'security-severity': SECURITY[severity] } : {}),
    },
  };
}

function problemSeverity(severity: Severity | 'off'): string {
  return severity === 'error' || severity === 'warning' ? severity : 'recommendation';
}

function locationOf(place: Range & { readonly file: string }): object {
  return { physicalLocation: { artifactLocation: { uri: uriOf(place.file) }, region: regionOf(place) } };
}

function regionOf({ line, column, endLine, endColumn }: Range): object {
  return { startLine: line, startColumn: column, endLine, endColumn };
}

function relatedOf({ related }: Finding): object {
  if (related.length === 0) return {};
  return {
    relatedLocations: related.map((place, index) => ({
      id: index + 1,
      ...locationOf(place),
      message: { text: place.message },
    })),
  };
}

function suppressionOf(justification: string | undefined): object {
  if (justification === undefined) return {};
  return {
    suppressions: [{ kind: 'inSource', status: 'accepted', ...(justification === '' ? {} : { justification }) }],
  };
}

function fixOf({ fix, file }: Finding, lines: TextLines): object {
  if (fix === undefined) return {};
  const replacements = fix.edits.map((edit) => {
    const { text, ...range } = plainEdit(edit, lines);
    return { deletedRegion: regionOf(range), ...(text === '' ? {} : { insertedContent: { text } }) };
  });
  const change = { artifactLocation: { uri: uriOf(file) }, replacements };
  return { fixes: [{ description: { text: fix.description }, artifactChanges: [change] }] };
}

function artifacts({ sources }: LintReport): readonly object[] {
  return [...sources.keys()].map((file) => ({ location: { uri: uriOf(file) } }));
}

/** Relative, as given; a URI has no spaces and the like. */
function uriOf(file: string): string {
  const path = file
    .replace(/^(?:\.\/)+/, '')
    .split('/')
    .map(encodeURIComponent)
    .join('/');
  return file.startsWith('/') ? `file://${path}` : path;
}

import type { Finding } from './finding.js';
import type { LintReport } from './report.js';

type Shown = Pick<LintReport, 'findings' | 'suppressed' | 'sources'>;

/**
 * A report that can be shown to anybody: what `known` findings call a secret is stars in the texts of the files, where offsets stay as they are,
 * and in the words of every finding. `known` holds also what an ignore or a baseline hides: a finding beside it shows the same line.
 */
export function maskSecrets<R extends Shown>(report: R, known: readonly Finding[]): R {
  const secrets = known.filter(({ secret }) => secret === true);
  if (secrets.length === 0) return report;
  const sources = new Map(report.sources);
  const texts = new Set<string>();
  for (const { file, span } of secrets) {
    const text = sources.get(file) ?? '';
    const original = report.sources.get(file)?.slice(span.start, span.end) ?? '';
    if (original.length >= SHORTEST) texts.add(original);
    sources.set(file, text.slice(0, span.start) + stars(original) + text.slice(span.end));
  }
  const clean = (text: string): string =>
    [...texts].reduce((cleaned, secret) => cleaned.replaceAll(secret, '***'), text);
  const cleanFinding = (finding: Finding): Finding => ({
    ...finding,
    message: clean(finding.message),
    step: finding.step === undefined ? undefined : clean(finding.step),
  });
  return {
    ...report,
    sources,
    findings: report.findings.map(cleanFinding),
    suppressed: report.suppressed.map((each) => ({ ...each, finding: cleanFinding(each.finding) })),
  };
}

/** Shorter texts are words that occur anywhere. */
const SHORTEST = 6;

function stars(secret: string): string {
  return secret.replaceAll(/[^\r\n]/g, '*');
}

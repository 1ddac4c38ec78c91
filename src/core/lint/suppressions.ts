import type { Finding, Span } from './finding.js';
import { compareFindings, type SuppressedFinding } from './report.js';
import { type OwnRuleId, ownSeverity } from './rules/run.js';
import { unknownRule } from './settings.js';
import { TextLines } from './text-lines.js';
import { type YamlComment, yamlComments, type YamlComments } from './yaml-comments.js';

export interface SuppressionInput {
  readonly file: string;
  readonly text: string;
  readonly findings: readonly Finding[];
  /** All rules there are. */
  readonly ruleIds: readonly string[];
  /** `YYYY-MM-DD`. */
  readonly today: string;
  /** @default true */
  readonly requireReason?: boolean;
  /** Whether a rule had what it needs to speak; an ignore of a rule that could not is not called unused. @default always */
  readonly couldSpeak?: (rule: string) => boolean;
}

export interface Suppressed {
  /** What is left, and what is wrong with the comments themselves. */
  readonly findings: readonly Finding[];
  readonly suppressed: readonly SuppressedFinding[];
}

/**
 * Takes out the findings that comments ignore: `# lint-ignore area/name, area/* -- reason` at the end of a line or above it,
 * `# lint-ignore-file …` for the file, `# lint-ignore-until 2027-01-31 …` up to that day. Comments inside scalars are text and do not count.
 */
export function applySuppressions(input: SuppressionInput): Suppressed {
  if (!input.text.includes('lint-ignore')) return { findings: input.findings, suppressed: [] };
  const lines = new TextLines(input.text);
  const comments = yamlComments(input.text);
  const targets = targetLines(lines);
  const problems: Finding[] = [];
  const ignores = comments.comments.flatMap((comment) => {
    const parsed = parseIgnore(comment, input);
    const report = (rule: OwnRuleId, message: string): void =>
      void problems.push(ownFinding(rule, message, { comment, lines, input }));
    for (const { rule, message } of parsed?.problems ?? []) report(rule, message);
    return parsed === undefined
      ? []
      : [{ ...parsed, lines: coveredLines(comment, parsed.isWholeFile, { comments, targets }), report }];
  });
  const suppressed: SuppressedFinding[] = [];
  const kept: Finding[] = [];
  for (const finding of input.findings) {
    const ignore = ignores.find((candidate) => covers(candidate, finding));
    if (ignore === undefined) kept.push(finding);
    else suppressed.push({ finding, justification: ignore.reason });
  }
  for (const ignore of ignores) reportUnused(ignore, input);
  return { findings: [...kept, ...problems].sort(compareFindings), suppressed };
}

interface CommentProblem {
  readonly rule: OwnRuleId;
  readonly message: string;
}

interface ParsedIgnore {
  readonly isWholeFile: boolean;
  /** Ids and `area/*` that count. */
  readonly rules: readonly string[];
  readonly reason: string;
  readonly problems: readonly CommentProblem[];
}

interface Ignore extends ParsedIgnore {
  /** First and last line on which a finding may begin. */
  readonly lines: readonly [number, number];
  readonly report: (rule: OwnRuleId, message: string) => void;
}

const IGNORE = /^#+\s*lint-ignore(-file|-until)?(?=[\s:]|$):?\s*(.*)$/;
const DATE = /^(\S+)\s*(.*)$/;

/** Undefined for a comment about something else. */
function parseIgnore({ text }: YamlComment, input: SuppressionInput): ParsedIgnore | undefined {
  const match = IGNORE.exec(text);
  if (match === null) return undefined;
  const written = readIgnore(match[1] ?? '', match[2] ?? '');
  const reasonsToRefuse = refusal(written, input);
  const wrongNames = written.names.flatMap((name) => {
    const wrong = unknownRule(name, input.ruleIds);
    return wrong === undefined ? [] : [{ name, message: wrong.replace(';', ', so nothing is ignored by it;') }];
  });
  const wrong = new Set(wrongNames.map(({ name }) => name));
  return {
    isWholeFile: written.kind === '-file',
    rules: reasonsToRefuse === undefined ? written.names.filter((name) => !wrong.has(name)) : [],
    reason: written.reason,
    problems: [
      ...(reasonsToRefuse === undefined ? [] : [reasonsToRefuse]),
      ...wrongNames.map(({ message }) => ({ rule: 'lint/unknown-rule', message }) as const),
    ],
  };
}

interface WrittenIgnore {
  /** `-file`, `-until` or empty. */
  readonly kind: string;
  readonly date: string;
  readonly names: readonly string[];
  readonly reason: string;
}

function readIgnore(kind: string, body: string): WrittenIgnore {
  const [, date = '', rest = ''] = kind === '-until' ? (DATE.exec(body) ?? []) : ['', '', body];
  const [listed = '', ...reason] = ` ${rest} `.split(/\s--\s/);
  return { kind, date, names: listed.split(/[\s,]+/).filter(Boolean), reason: reason.join(' -- ').trim() };
}

/** Why a comment ignores nothing. */
function refusal({ kind, date, names, reason }: WrittenIgnore, input: SuppressionInput): CommentProblem | undefined {
  const comment = `"lint-ignore${kind}"`;
  if (kind === '-until' && !isDate(date)) {
    const found = date === '' ? 'there is none' : `"${date}" is none`;
    const message = `${comment} needs a date such as 2027-01-31, but ${found}, so nothing is ignored; write the date before the rule`;
    return { rule: 'lint/malformed-ignore', message };
  }
  if (names.length === 0) {
    const message = `${comment} names no rule, so nothing is ignored; write the rule that stands in brackets at the end of the finding`;
    return { rule: 'lint/malformed-ignore', message };
  }
  if (reason === '' && input.requireReason !== false) {
    const message = `${comment} gives no reason, so it is not honoured; write "-- " and the reason behind the rule`;
    return { rule: 'lint/ignore-without-reason', message };
  }
  if (kind !== '-until' || date >= input.today) return undefined;
  const rules = names.map((name) => `"${name}"`).join(', ');
  const message = `this ignore ended on ${date}, so ${rules} is reported again; mend it, or choose a later date`;
  return { rule: 'lint/expired-ignore', message };
}

/** Months and days that exist, without a clock. */
function isDate(text: string): boolean {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text) ?? [];
  if (year === undefined) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return date.getUTCMonth() + 1 === Number(month) && date.getUTCDate() === Number(day);
}

function coveredLines(
  { line, isAlone }: YamlComment,
  isWholeFile: boolean,
  { comments, targets }: { readonly comments: YamlComments; readonly targets: readonly number[] },
): readonly [number, number] {
  if (isWholeFile) return [1, Infinity];
  if (!isAlone) return [line, line];
  const target = targets[line] ?? line + 1;
  // A script cannot hold a comment of YAML, so the one above its key speaks for all its lines.
  return [target, comments.scalarEnds.get(target) ?? target];
}

/** For each line the next one that is neither blank nor a comment, else the last of the file; in one pass, as a file may be all comments. */
function targetLines(lines: TextLines): readonly number[] {
  const targets: number[] = [];
  let target = lines.count;
  for (let line = lines.count - 1; line > 0; line--) {
    if (!/^\s*(?:#|$)/.test(lines.lineAt(line + 1))) target = line + 1;
    targets[line] = target;
  }
  return targets;
}

function covers({ rules, lines: [first, last] }: Ignore, finding: Finding): boolean {
  return finding.line >= first && finding.line <= last && rules.some((name) => nameCovers(name, finding.rule));
}

function nameCovers(name: string, rule: string): boolean {
  return name === rule || (name.endsWith('/*') && rule.startsWith(name.slice(0, -1)));
}

function reportUnused(ignore: Ignore, { findings, couldSpeak = () => true, ruleIds }: SuppressionInput): void {
  for (const name of ignore.rules) {
    const isUsed = findings.some((finding) => covers({ ...ignore, rules: [name] }, finding));
    const isSilent = ruleIds.filter((id) => nameCovers(name, id)).some((id) => !couldSpeak(id));
    if (isUsed || isSilent) continue;
    ignore.report(
      'lint/unused-ignore',
      `nothing here breaks "${name}", so this ignore would hide the next mistake; delete it`,
    );
  }
}

interface Place {
  readonly comment: Span;
  readonly lines: TextLines;
  readonly input: SuppressionInput;
}

function ownFinding(rule: OwnRuleId, message: string, { comment, lines, input }: Place): Finding {
  const span = { start: comment.start, end: comment.end };
  return {
    ...{ rule, severity: ownSeverity(rule), message, file: input.file, ...lines.rangeOf(span) },
    ...{ related: [], fix: undefined, span, step: undefined, uses: 1 },
  };
}

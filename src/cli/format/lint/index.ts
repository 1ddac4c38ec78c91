import { closestName } from '../../../core/closest-name.js';
import { UsageError } from '../../../core/errors.js';
import { formatBuildkite, formatGithub, formatGitlab } from './forges.js';
import { formatJson, formatJsonLines } from './json.js';
import type { LintFormatter } from './lint-format.js';
import { formatSarif } from './sarif.js';
import { formatTap } from './tap.js';
import { formatCompact, formatPretty } from './text.js';
import { formatCheckstyle, formatJunit } from './xml.js';

/** Every format by the name that `--format` takes. */
export const LINT_FORMATS = {
  pretty: formatPretty,
  compact: formatCompact,
  json: formatJson,
  jsonl: formatJsonLines,
  sarif: formatSarif,
  junit: formatJunit,
  tap: formatTap,
  checkstyle: formatCheckstyle,
  github: formatGithub,
  gitlab: formatGitlab,
  buildkite: formatBuildkite,
} as const satisfies Readonly<Record<string, LintFormatter>>;

export type LintFormatName = keyof typeof LINT_FORMATS;

/** A format and where it goes. */
export interface LintOutput {
  readonly format: LintFormatName;
  /** Undefined = standard output. */
  readonly file: string | undefined;
}

/** The values of `--format`, as `NAME` or `NAME=FILE`; none = pretty. Throws a `UsageError` for unknown names and two that share a place. */
export function parseLintOutputs(texts: readonly string[]): readonly LintOutput[] {
  const outputs = (texts.length === 0 ? ['pretty'] : texts).map(parseOutput);
  const places = outputs.map(({ file }) => (file === undefined || file === '-' ? undefined : file));
  const double = outputs.find((_, index) => places.indexOf(places[index]) !== index);
  if (double === undefined) return outputs;
  const place = double.file === undefined ? 'standard output' : `"${double.file}"`;
  throw new UsageError(
    `--format ${double.format} and another format both go to ${place}, which would mix them; write --format ${double.format}=FILE`,
  );
}

function parseOutput(text: string): LintOutput {
  const split = text.indexOf('=');
  const name = split < 0 ? text : text.slice(0, split);
  const file = split < 0 ? undefined : text.slice(split + 1);
  const format = isFormat(name) ? name : undefined;
  if (format === undefined) {
    const closest = closestName(name, Object.keys(LINT_FORMATS));
    const advice =
      closest === undefined ? `choose one of ${Object.keys(LINT_FORMATS).join(', ')}` : `did you mean "${closest}"?`;
    throw new UsageError(`unknown format "${name}"; ${advice}`);
  }
  if (file === '') throw new UsageError(`--format ${text} names no file; write --format ${name}=FILE`);
  return { format, file: file === '-' ? undefined : file };
}

function isFormat(name: string): name is LintFormatName {
  return Object.hasOwn(LINT_FORMATS, name);
}

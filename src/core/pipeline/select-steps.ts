import { closestName } from '../closest-name.js';
import { fail, ok, type Result } from '../result.js';
import type { CommandStep } from './pipeline.js';

/** Steps that a message lists. */
const MAX_LISTED = 30;

/** A command step with its number: steps are counted from 1 as a reader of the file would. */
export interface NumberedStep {
  readonly number: number;
  readonly step: CommandStep;
}

/**
 * The steps that any of the selectors names, in file order: a selector is a key, a label, a number, or key or label of a group. Without
 * selectors all steps. An unknown selector fails with a sentence that lists what there is.
 */
export function selectSteps(
  steps: readonly CommandStep[],
  selectors: readonly string[],
): Result<readonly NumberedStep[], string> {
  const numbered = steps.map((step, index) => ({ number: index + 1, step }));
  if (selectors.length === 0) return ok(numbered);
  const unknown = selectors.find((selector) => !numbered.some((candidate) => isNamed(candidate, selector)));
  if (unknown !== undefined) return fail(unknownStep(unknown, numbered));
  return ok(numbered.filter((candidate) => selectors.some((selector) => isNamed(candidate, selector))));
}

/** What people call a step: its key, else its label, else the beginning of its command, else its number. */
export function stepTitle({ number, step }: NumberedStep): string {
  const firstLine = step.command.split('\n')[0]?.trim() ?? '';
  const command = firstLine.length > 40 ? `${firstLine.slice(0, 39)}…` : firstLine;
  return [step.key, step.label, command].find((name) => name !== undefined && name !== '') ?? `#${number}`;
}

function isNamed({ number, step }: NumberedStep, selector: string): boolean {
  return [step.key, step.label, step.group?.key, step.group?.label, String(number)].includes(selector);
}

function unknownStep(selector: string, steps: readonly NumberedStep[]): string {
  const names = new Set(
    steps.flatMap(({ step }) =>
      [step.key, step.label, step.group?.key, step.group?.label].filter((name) => name !== undefined),
    ),
  );
  const near = closestName(selector, names);
  const meant = near === undefined ? '' : ` did you mean "${near}"?`;
  const list = steps.slice(0, MAX_LISTED).map((candidate) => `${candidate.number} ${stepTitle(candidate)}`);
  if (steps.length > MAX_LISTED) list.push(`and ${steps.length - MAX_LISTED} more`);
  return `no step has the key, label or number "${selector}";${meant} the command steps are: ${list.length === 0 ? 'none' : list.join(', ')}`;
}

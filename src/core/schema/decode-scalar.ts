import { closestName } from '../closest-name.js';
import { lacksUnit } from '../duration.js';
import { report, type DecodeContext } from './decode-context.js';
import { describeChoices, describeExpectation, describeRemedy, describeValue, quoted } from './describe.js';
import { integerRange, textFormatProblem } from './formats.js';
import type { JsonSchema } from './json-schema.js';

/** Decodes a string, number, boolean, quantity, duration or int-or-string at the context's path. */
export function decodeScalar(value: unknown, schema: JsonSchema, context: DecodeContext): unknown {
  if (!hasType(value, schema)) return wrongType(value, schema, context);
  if (typeof value === 'string') checkText(value, schema, context);
  if (typeof value === 'number' && !checkNumber(value, schema, context)) return undefined;
  return schema.format === 'quantity' ? String(value) : value;
}

/** Reports that the value is not of the schema's type, what it is, and how to put that right. */
export function wrongType(value: unknown, schema: JsonSchema, context: DecodeContext): undefined {
  const expectation = `must be ${describeExpectation(schema)}, but is ${describeValue(value)}`;
  return report(context, 'wrong-type', expectation + describeRemedy(schema, value));
}

function hasType(value: unknown, schema: JsonSchema): boolean {
  if (schema.format === 'quantity') return typeof value === 'string' || Number.isFinite(value);
  if (schema.format === 'int-or-string') return typeof value === 'string' || isInt32(value);
  if (schema.type === 'integer') return Number.isInteger(value);
  if (schema.type === 'number') return Number.isFinite(value);
  if (schema.type !== undefined) return typeof value === schema.type;
  // The one format left without a type is a duration: text, or a whole number of nanoseconds.
  return typeof value === 'string' || Number.isInteger(value);
}

function checkText(text: string, schema: JsonSchema, context: DecodeContext): void {
  const problem = textFormatProblem(text, schema.format);
  if (problem !== undefined) report(context, 'bad-format', problem);
  // Go takes an empty text for an absent field.
  if (schema.enum === undefined || text === '' || schema.enum.includes(text)) return;
  const message = `must be ${describeChoices(schema.enum)}, but is ${quoted(text)}`;
  report(context, 'not-allowed', message, closestName(text, schema.enum.map(String)));
}

/** False when the number does not fit its type at all, so that it cannot be kept. */
function checkNumber(value: number, schema: JsonSchema, context: DecodeContext): boolean {
  if (schema.format === 'duration' && lacksUnit(value)) {
    report(context, 'bad-format', `is ${value} without a unit, which would be nanoseconds; did you mean "${value}s"?`);
    return false;
  }
  const [lowest, highest] = integerRange(schema.format) ?? [-Infinity, Infinity];
  if (value < lowest || value > highest) {
    report(context, 'wrong-type', `must be an integer from ${lowest} to ${highest}, but is the number ${value}`);
    return false;
  }
  const limit = numberLimit(value, schema);
  if (limit !== undefined) report(context, 'not-allowed', `must be ${limit}, but is ${value}`);
  return true;
}

/** The rule of the schema that the number breaks. */
function numberLimit(value: number, { minimum, maximum, enum: choices }: JsonSchema): string | undefined {
  if (minimum !== undefined && value < minimum) return `at least ${minimum}`;
  if (maximum !== undefined && value > maximum) return `at most ${maximum}`;
  return choices === undefined || choices.includes(value) ? undefined : describeChoices(choices);
}

function isInt32(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31;
}

import { globToRegExp } from '../../core/pipeline/glob.js';
import { fail, ok, type Result } from '../../core/result.js';

type Value = string | number | boolean | null | RegExp | readonly Value[];

/** Values of the names a condition may use, e.g. `build.branch`; `build.env("X")` is looked up in `env`. */
export interface ConditionFacts {
  readonly variables: Readonly<Record<string, string | number | boolean | null>>;
  readonly env: Readonly<Record<string, string>>;
}

class Unsupported extends Error {}

const TOKEN =
  /\s*(?:(?<regex>\/(?:\\.|[^/\\])+\/[a-z]*)|(?<string>"(?:\\.|[^"\\])*"|'[^']*')|(?<number>\d+)|(?<name>[A-Za-z_][\w.]*)|(?<operator>==|!=|=~|!~|&&|\|\||[!()[\],]))/y;

interface Token {
  readonly kind: 'regex' | 'string' | 'number' | 'name' | 'operator';
  readonly text: string;
}

function tokenize(source: string): readonly Token[] {
  const tokens: Token[] = [];
  const input = source.replace(/\/\/.*$/gm, '').trim();
  let position = 0;
  while (position < input.length) {
    TOKEN.lastIndex = position;
    const groups = TOKEN.exec(input)?.groups;
    if (groups === undefined) throw new Unsupported(`cannot read "${input.slice(position, position + 20)}"`);
    position = TOKEN.lastIndex;
    for (const kind of ['regex', 'string', 'number', 'name', 'operator'] as const) {
      const text = groups[kind];
      if (text !== undefined) tokens.push({ kind, text });
    }
  }
  return tokens;
}

function literal(token: Token): Value {
  if (token.kind === 'number') return Number(token.text);
  if (token.kind === 'string') return token.text.slice(1, -1).replace(/\\(.)/g, '$1');
  const end = token.text.lastIndexOf('/');
  return new RegExp(token.text.slice(1, end), token.text.slice(end + 1));
}

function matches(left: Value, right: Value): boolean {
  if (!(right instanceof RegExp)) throw new Unsupported('the right side of =~ is not a regular expression');
  return typeof left === 'string' && right.test(left);
}

const COMPARE: Readonly<Record<string, (left: Value, right: Value) => boolean>> = {
  '==': (left, right) => left === right,
  '!=': (left, right) => left !== right,
  '=~': matches,
  '!~': (left, right) => !matches(left, right),
  includes: (left, right) => Array.isArray(left) && left.includes(right),
};

/** Recursive descent over `or := and ("||" and)*`, `and := not ("&&" not)*`, `not := "!" not | compare`. */
class Reader {
  readonly #tokens: readonly Token[];
  readonly #facts: ConditionFacts;
  #at = 0;

  constructor(tokens: readonly Token[], facts: ConditionFacts) {
    this.#tokens = tokens;
    this.#facts = facts;
  }

  read(): boolean {
    const value = this.#or();
    if (this.#at < this.#tokens.length) throw new Unsupported(`unexpected "${this.#tokens[this.#at]?.text ?? ''}"`);
    return truth(value);
  }

  #take(...wanted: readonly string[]): string | undefined {
    const token = this.#tokens[this.#at];
    if (token === undefined || token.kind === 'string' || !wanted.includes(token.text)) return undefined;
    this.#at += 1;
    return token.text;
  }

  #expect(wanted: string): void {
    if (this.#take(wanted) === undefined) throw new Unsupported(`"${wanted}" is missing`);
  }

  #or(): Value {
    let left = this.#and();
    while (this.#take('||') !== undefined) {
      const right = this.#and();
      left = truth(left) || truth(right);
    }
    return left;
  }

  #and(): Value {
    let left = this.#not();
    while (this.#take('&&') !== undefined) {
      const right = this.#not();
      left = truth(left) && truth(right);
    }
    return left;
  }

  #not(): Value {
    return this.#take('!') === undefined ? this.#compare() : !truth(this.#not());
  }

  #compare(): Value {
    const left = this.#operand();
    const operator = this.#take(...Object.keys(COMPARE));
    if (operator === undefined) return left;
    return COMPARE[operator]?.(left, this.#operand()) ?? false;
  }

  #operand(): Value {
    if (this.#take('(') !== undefined) {
      const inner = this.#or();
      this.#expect(')');
      return inner;
    }
    if (this.#take('[') !== undefined) return this.#list();
    const token = this.#tokens[this.#at];
    if (token === undefined || token.kind === 'operator') throw new Unsupported('a value is missing');
    this.#at += 1;
    return token.kind === 'name' ? this.#name(token.text) : literal(token);
  }

  #list(): Value {
    const items: Value[] = [];
    while (this.#take(']') === undefined) {
      items.push(this.#operand());
      this.#take(',');
    }
    return items;
  }

  #name(name: string): Value {
    if (name === 'true' || name === 'false') return name === 'true';
    if (name === 'null') return null;
    if (name === 'build.env' || name === 'env') {
      this.#expect('(');
      const key = this.#operand();
      this.#expect(')');
      return typeof key === 'string' ? (this.#facts.env[key] ?? null) : null;
    }
    const value = this.#facts.variables[name];
    if (value === undefined) throw new Unsupported(`unknown name "${name}"`);
    return value;
  }
}

function truth(value: Value): boolean {
  return value !== null && value !== false;
}

/** Evaluates a step's `if`; the error says what of the expression is not understood here. */
export function evaluateCondition(source: string, facts: ConditionFacts): Result<boolean, string> {
  try {
    return ok(new Reader(tokenize(source), facts).read());
  } catch (error) {
    if (error instanceof Unsupported || error instanceof SyntaxError) return fail(error.message);
    throw error;
  }
}

/** Whether a step's `branches` let a branch pass: names with `*`; `!name` excludes. */
export function branchAllowed(patterns: readonly string[], branch: string): boolean {
  const hits = (pattern: string): boolean => globToRegExp(pattern).test(branch);
  if (patterns.some((pattern) => pattern.startsWith('!') && hits(pattern.slice(1)))) return false;
  const wanted = patterns.filter((pattern) => !pattern.startsWith('!'));
  return wanted.length === 0 || wanted.some(hits);
}

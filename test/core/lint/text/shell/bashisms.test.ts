import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import { bashisms } from '../../../../../src/core/lint/text/shell/bashisms.js';

/** What a shell prints for a script; undefined when the shell is not on this machine. */
function run(shell: readonly [string, ...string[]], script: string): string | undefined {
  const [program, ...args] = shell;
  const done = spawnSync(program, [...args, '-ec', script], { encoding: 'utf8', timeout: 5000, input: '' });
  return done.error === undefined ? done.stdout : undefined;
}

const here = {
  bash: run(['bash'], 'echo ok') === 'ok\n',
  dash: run(['dash'], 'echo ok') === 'ok\n',
  busybox: run(['busybox', 'sh'], 'echo ok') === 'ok\n',
};

/** Each prints `ok` at last in bash, and not in dash; `+` = busybox understands it as well. */
const found: [script: string, what: string[], busybox: '+' | '-'][] = [
  ['if [[ -d / ]]; then echo ok; fi', ['[['], '+'],
  ['! [[ a == b && c ]] && ! [[ x =~ ^y ]] && [[ a ]] && echo ok', ['[[', '[[', '[['], '+'],

  ['source /dev/null; echo ok', ['source'], '+'],
  ['set -euo pipefail; echo ok', ['set -o pipefail'], '+'],
  ['set -o errexit -o pipefail\necho ok', ['set -o pipefail'], '+'],
  ['a=(x ok); echo "${a[1]}"', ['=(…)', '${a[1]}'], '-'],
  ['a[0]=ok; echo "$a"', ['[…]='], '-'],
  ['a=o; a+=k; echo $a', ['+='], '-'],
  ['cat <<<ok', ['<<<'], '-'],
  ['cat <(echo ok)', ['<(…)'], '-'],
  ['function f { echo ok; }; f', ['function'], '+'],
  ['function f() { echo ok; }\nf', ['function'], '+'],
  ["echo $'o\\x6b'", ["$'…'"], '+'],
  ['ls -d /{bin,tmp} >/dev/null && echo ok', ['{bin,tmp}'], '-'],
  ['for i in {1..2}; do x=$i; done; [ "$x" = 2 ] && echo ok', ['{1..2}'], '-'],
  ['((1 < 2)) && echo ok', ['((…))'], '-'],
  ['for ((i=0; i<1; i++)); do echo ok; done', ['((…))'], '-'],
  ['i=1; echo $((i++)) >/dev/null; [ $i = 2 ] && echo ok', ['$((i++))'], '+'],
  ['select x in ok; do echo; break; done <<E >/dev/null\n1\nE\necho ok', ['select'], '-'],
  ['if [ a == a ]; then echo ok; fi', ['[ … == … ]'], '+'],
  ['x=ok,no; read -a y <<E\nok\nE\necho ${y[0]}', ['read -a', '${y[0]}'], '-'],
  ['read -n 2 y <<E\nok\nE\necho $y', ['read -n'], '+'],
  ['declare -A m; echo ok', ['declare'], '-'],
  ['f() { local -a z; echo ok; }; f', ['local -a'], '-'],
  ['shopt -s nullglob; echo ok', ['shopt'], '-'],
  ['x=okay; echo ${x:0:2}', ['${x:0:2}'], '+'],
  ['x=oj; echo "${x/j/k}"', ['${x/j/k}'], '+'],
  ['x=OK; echo ${x,,}', ['${x,,}'], '-'],
  ['y=ok; x=y; echo "${!x}"', ['${!x}'], '-'],
  ['x=$( [[ a ]] && echo ok ); echo "$x"', ['[['], '+'],
  ['echo "$(pushd / >/dev/null; echo ok)"', ['pushd'], '-'],
  ['case a in [[:alpha:]]) [[ a ]] && echo ok;; esac', ['[['], '+'],
  ["trap 'true' ERR; echo ok", ['trap … ERR'], '-'],
  ['printf -v x ok; echo $x', ['printf -v'], '-'],
];

/** POSIX, or somebody else's bash. */
const silent: string[] = [
  'echo "[[ source a=(1) <<< {1..3} ]]"',
  "echo 'function f' \"declare\" '\\$' '${a[@]}'",
  '# source x; [[ a ]]\necho a # [[ b ]]',
  "bash -c 'set -o pipefail; [[ a ]] && source x'",
  'bash <<EOF\nsource x\n[[ a ]] && a=(1)\nEOF\necho',
  "cat <<-'EOF' | bash\n\tdeclare -A m\n\tEOF\necho a",
  'x=$(cat <<EOF\n[[ ) ]]\nEOF\n)\necho "$x"',
  'grep "[[:space:]]" /dev/null || grep [[:space:]] /dev/null || true',
  'case "$x" in [[:digit:]]*) echo a;; (b|c) echo b;; *) echo c; esac',
  'x=$(case a in a) echo 1;; esac); echo "$x"',
  'echo source declare function select',
  'apt-get install source',
  'f() { echo a; }; f',
  'source() { . "$1"; }; source /dev/null',
  'if [ a = b ] || test a != b; then echo x; fi >/dev/null 2>&1',
  'echo ${x:-a} ${x:=b} ${x:+c} ${#x} ${x#a} ${x##*/} ${x%.*} ${1-} $((1 + 2)) $# $@',
  'echo "${x:-it\'s}"',
  'set -eu; set -o errexit',
  'read -r line </dev/null || true',
  'git show "HEAD@{1}" || true',
  'prettier --check src/**/*.{js,ts}',
  'echo a{b}c stash@{0} {} \\{1..3\\}',
  'make && (cd / && ls) | { cat; } >/dev/null',
  'while read -r x; do echo "$x"; done </dev/null',
  'echo a \\\n  b # c',
  'curl -d "{\\"a\\": [[1]]}" x || true',
  'true >&2 2>/dev/null & wait',
  'a=`echo \\`date\\``; b="`date`"',
  'echo "a=(b)" --flag=x a==b',
  'python3 - <<PY\na = [[1]]\nfunction\nPY\ntrue',
  'echo $(( (1 + 2) * 3 )); ( (echo a) )',
];

/** Without an opinion about these: another shell is asked for. */
const excused: string[] = [
  '#!/bin/bash\nset -o pipefail\n[[ a ]]',
  '#!/usr/bin/env bash\nsource x',
  'if [ -z "$BASH_VERSION" ]; then exec bash "$0"; fi; [[ a ]]',
  'exec bash -e run.sh\n[[ a ]]',
  'echo "unclosed [[\n[[ a ]]',
];

describe('bashisms', () => {
  for (const [script, what, busybox] of found) {
    it(`finds ${what.join(', ')} in ${JSON.stringify(script)}`, () => {
      const result = bashisms(script);

      expect(result.map((bashism) => bashism.what)).to.deep.equal(what);
      expect(result.every((bashism) => bashism.inBusybox)).to.equal(busybox === '+');
    });
  }

  for (const script of [...silent, ...excused]) {
    it(`is silent about ${JSON.stringify(script)}`, () => {
      expect(bashisms(script)).to.deep.equal([]);
    });
  }

  it('reads to the end of a test with brackets and operators', () => {
    const result = bashisms('[[ ( a < b || c ) && x =~ ^(x|z)$ ]] && source x');

    expect(result.map((bashism) => bashism.what)).to.deep.equal(['[[', 'source']);
  });

  it('says where', () => {
    const script = 'x=1\nset -euo pipefail; echo {1..3}.txt ${a[@]}';

    const pieces = bashisms(script).map(({ start, end }) => script.slice(start, end));

    expect(pieces).to.deep.equal(['set -euo pipefail', '{1..3}', '${a[@]}']);
  });
});

describe('the shells of this machine agree', () => {
  for (const [script, , inBusybox] of found) {
    it(`about ${JSON.stringify(script)}`, function () {
      if (!here.bash || !here.dash) this.skip();

      expect(run(['bash'], script)?.endsWith('ok\n'), 'bash').to.equal(true);
      expect(run(['dash'], script)?.endsWith('ok\n'), 'dash').to.equal(false);
      if (here.busybox && inBusybox === '+') {
        expect(run(['busybox', 'sh'], script)?.endsWith('ok\n'), 'busybox').to.equal(true);
      }
    });
  }

  for (const script of silent) {
    it(`that ${JSON.stringify(script)} can be read`, function () {
      if (!here.dash) this.skip();

      const { status, stderr } = spawnSync('dash', ['-n', '-c', script], { encoding: 'utf8', timeout: 5000 });

      expect([status, stderr]).to.deep.equal([0, '']);
    });
  }
});

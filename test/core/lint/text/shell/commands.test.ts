import { expect } from 'chai';
import fc from 'fast-check';
import {
  baseName,
  commandWords,
  effectiveWords,
  shellLineToArgv,
} from '../../../../../src/core/lint/text/shell/commands.js';
import { readShell } from '../../../../../src/core/lint/text/shell/read-shell.js';

describe('commandWords', () => {
  const cases: [script: string, commands: string[]][] = [
    ['make test', ['make test']],
    ['a; b && c || d | e & f\ng', ['a', 'b', 'c', 'd', 'e', 'f', 'g']],
    ['if a; then b; elif c; then d; else e; fi', ['a', 'b', 'c', 'd', 'e']],
    ['for x in a b; do c $x; done; while d; do e; done', ['c $x', 'd', 'e']],
    ['case $x in a|b) c ;; (d) e; f;; *) g; esac; h', ['c', 'e', 'f', 'g', 'h']],
    ['A=1 B="x y" run --it', ['run --it']],
    ['echo "$(docker ps -q)" `ls -l`', ['echo "$(docker ps -q)" `ls -l`', 'docker ps -q', 'ls -l']],
    ['f() { a b; }; f', ['a b', 'f']],
    ['(cd x && make) > log 2>&1', ['cd x', 'make']],
    ['cat <<EOF > x && done_it\nmake this\nEOF\nnext', ['cat', 'done_it', 'next']],
    ['[[ -f a && -d b ]] && c', ['c']],
    ['2>/dev/null a b >c d', ['a b d']],
    ['{ a; b; } | ! c', ['a', 'b', 'c']],
    ['a # b; c\nd', ['a', 'd']],
    ['a \\\n  b', ['a b']],
    ['docker run x sh -c "make; ls"', ['docker run x sh -c "make; ls"']],
    ['"unclosed', []],
  ];
  for (const [script, expected] of cases) {
    it(`takes ${JSON.stringify(script)} apart`, () => {
      const commands = commandWords(script).filter((command) => command.words.length > 0);

      expect(commands.map((command) => command.words.map((word) => word.source).join(' '))).to.deep.equal(expected);
    });
  }

  it('gives words as the program gets them, with their places', () => {
    const script = `FOO=1 'my'"script" a\\ b "$X" > /workspace/out`;

    const [command] = commandWords(script);

    expect(command?.words.map((word) => word.text)).to.deep.equal(['myscript', 'a b', undefined]);
    expect(command?.assignments.map((word) => word.source)).to.deep.equal(['FOO=1']);
    expect(command?.redirections.map(({ operator, target }) => [operator, target?.text])).to.deep.equal([
      ['>', '/workspace/out'],
    ]);
    expect(script.slice(command?.start, command?.end)).to.equal(script);
  });

  for (const piece of ['$(', '(', '$((', '"$(', '${a:-', '`$(', '[[ ', 'case x in ', 'a=(', '<(', '\'"', '<<E\n']) {
    it(`stands a very long run of ${JSON.stringify(piece)}`, () => {
      expect(() => readShell(piece.repeat(5_000))).not.to.throw();
    }).timeout(2_000);
  }

  it('never fails, and every word stands where it says', () => {
    const pieces = fc.constantFrom(
      ...['a', ' ', '\n', ';', '&&', '|', '(', ')', '{', '}', '$(', '`', '"', "'", '\\', '<<E\n', 'E\n', '${', '#'],
      ...['case x in ', 'esac', 'if ', '[[', ']]', '$((', '))', '=(', "$'", '<(', '>', '&', 'function f', '☃'],
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 20 }), (parts) => {
        const text = parts.join('');
        const script = readShell(text);

        for (const word of script.words) {
          expect(word.source).to.equal(text.slice(word.start, word.end));
          expect(word.bare.length).to.equal(word.source.length);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('effectiveWords', () => {
  const cases: [script: string, expected: string[]][] = [
    ['docker ps', ['docker', 'ps']],
    ['sudo -u root docker ps', ['docker', 'ps']],
    ['env -u X A=1 timeout -k 5 10m /usr/bin/docker ps', ['/usr/bin/docker', 'ps']],
    ['exec nohup ./run', ['./run']],
    ['env', []],
  ];
  for (const [script, expected] of cases) {
    it(`finds the program of ${script}`, () => {
      const words = commandWords(script).flatMap(effectiveWords);

      expect(words.map((word) => word.text)).to.deep.equal(expected);
    });
  }

  it('knows a program by its path', () => {
    expect([baseName('/usr/bin/docker'), baseName('make')]).to.deep.equal(['docker', 'make']);
  });
});

describe('shellLineToArgv', () => {
  const cases: [line: string, argv: string[] | undefined][] = [
    ['redis-server --port 7000', ['redis-server', '--port', '7000']],
    [`a 'b c' "d e" f\\ g ''`, ['a', 'b c', 'd e', 'f g', '']],
    ['a --x=y,z 1.5 @b %c', ['a', '--x=y,z', '1.5', '@b', '%c']],
    ['  make  test  ', ['make', 'test']],
    ['', undefined],
    ['a && b', undefined],
    ['a $X', undefined],
    ['a "$(b)"', undefined],
    ['a > b', undefined],
    ['X=1 a', undefined],
    ['a *.txt', undefined],
    ['a ~/x', undefined],
    ['a {b,c}', undefined],
    ['a \'*\' "{}"', ['a', '*', '{}']],
    ['a # b', undefined],
    ['a\nb', undefined],
    ['if a', undefined],
    ['cd x', undefined],
    ['a "b', undefined],
  ];
  for (const [line, argv] of cases) {
    it(`${argv === undefined ? 'leaves' : 'splits'} ${JSON.stringify(line)}`, () => {
      expect(shellLineToArgv(line)).to.deep.equal(argv);
    });
  }
});

import { expect } from 'chai';
import { parsePodTemplates } from '../../../src/core/manifest/pod-templates.js';

function template(name: string, namespace: string | undefined, image: string): string {
  const where = namespace === undefined ? '' : `, namespace: ${namespace}`;
  return `kind: PodTemplate\nmetadata: {name: ${name}${where}}\ntemplate: {spec: {containers: [{name: c, image: ${image}}]}}\n`;
}

describe('parsePodTemplates', () => {
  it('finds a template by name in its namespace, or in any when it names none', () => {
    const parsed = parsePodTemplates(
      [template('a', undefined, 'one'), template('b', 'other', 'two'), ''].join('---\n'),
    );

    if (!parsed.ok) throw new Error(parsed.error);
    expect(parsed.value.find('a', 'ci')?.containers[0]?.image).to.equal('one');
    expect(parsed.value.find('b', 'other')?.containers[0]?.image).to.equal('two');
    expect(parsed.value.find('b', 'ci')).to.equal(undefined);
    expect(parsed.value.find('c', 'ci')).to.equal(undefined);
  });

  it('reads scalars as kubectl does', () => {
    const spec = 'template: {spec: {hostname: 2026-01-31, subdomain: 12:30, terminationGracePeriodSeconds: 0o17}}';

    const parsed = parsePodTemplates(`kind: PodTemplate\nmetadata: {name: a}\n${spec}\n`);

    expect(parsed.ok && parsed.value.find('a', 'ci')).to.deep.equal({
      ...{ hostname: '2026-01-31', subdomain: '12:30', terminationGracePeriodSeconds: 15 },
    });
  });

  const bad: [text: string, error: RegExp][] = [
    ['kind: Pod\nmetadata: {name: x}', /holds a "Pod"/],
    ['kind: PodTemplate\ntemplate: {spec: {}}', /without "metadata.name"/],
    ['kind: PodTemplate\nmetadata: {name: x}', /"x" without "template.spec"/],
    ['a: [', /not valid YAML/],
  ];
  for (const [text, error] of bad) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      const parsed = parsePodTemplates(text);

      expect(!parsed.ok && parsed.error).to.match(error);
    });
  }
});

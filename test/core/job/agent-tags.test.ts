import { expect } from 'chai';
import { matchAgentTags, normaliseQueueRules, parseTags } from '../../../src/core/job/agent-tags.js';

function config(queue: string, ...tags: string[]) {
  return { queue, tags };
}

describe('agent tags', () => {
  it('splits at the first "=" and leaves out what has none', () => {
    expect([...parseTags(['a=1=2', 'b', 'a=3', 'c='])]).to.deep.equal([
      ['a', '3'],
      ['c', ''],
    ]);
  });

  const matches: [rules: string[], queue: string, tags: string[], reason: RegExp | undefined][] = [
    [[], '', [], undefined],
    [['queue=any'], '_default', [], undefined],
    [['queue=k8s'], 'k8s', ['os=linux'], undefined],
    [['queue=other'], 'k8s', [], /"queue=other", but this controller has "queue=k8s"/],
    [['queue=*'], 'k8s', [], undefined],
    [['queue=k8s'], '', ['queue=k8s'], undefined],
    [['os=linux'], 'k8s', ['os=linux', 'more=1'], undefined],
    [['os=linux'], 'k8s', [], /no tag "os"/],
    [['os=linux'], 'k8s', ['os=mac'], /has "os=mac"/],
    [['os=*'], 'k8s', ['os=mac'], undefined],
    [['os=*'], 'k8s', [], /no tag "os"/],
    [['os=mac'], 'k8s', ['os=linux', 'os=mac'], undefined],
    [['queue=b'], '', ['queue=a', 'queue=b'], undefined],
    [['resource_class=big'], 'k8s', [], undefined],
  ];
  for (const [rules, queue, tags, reason] of matches) {
    it(`${reason === undefined ? 'takes' : 'refuses'} [${rules.join()}] on queue "${queue}" with [${tags.join()}]`, () => {
      const found = matchAgentTags(rules, config(queue, ...tags));

      if (reason === undefined) expect(found).to.equal(undefined);
      else expect(found).to.match(reason);
    });
  }

  it('drops the queue rule for a default queue and sets it otherwise', () => {
    expect(normaliseQueueRules(['a=1', 'queue=x', 'b=2'], config('_default'))).to.deep.equal(['a=1', 'b=2']);
    expect(normaliseQueueRules(['a=1', 'queue=x', 'b=2', 'queue=y'], config('k8s'))).to.deep.equal([
      'a=1',
      'queue=k8s',
      'b=2',
    ]);
    expect(normaliseQueueRules(['a=1'], config('k8s'))).to.deep.equal(['a=1', 'queue=k8s']);
  });
});

import { expect } from 'chai';
import Controller from '../../src/commands/controller.js';
import { runCommand } from '../cli/run-command.js';

describe('controller', () => {
  it('refuses a bad configuration before it does anything', async () => {
    const { stdout, stderr, status } = await runCommand(Controller, ['--max-in-flight=many', '--debug=perhaps']);

    expect(status).to.equal(2);
    expect(stdout).to.equal('');
    expect(stderr).to.match(/--max-in-flight: .*--debug: /s);
  });

  it('suggests the flag that was meant', async () => {
    const { stderr, status } = await runCommand(Controller, ['--quue=a']);

    expect(status).to.equal(2);
    expect(stderr).to.include('did you mean "--queue"?');
  });
});

import { expect } from 'chai';
import { failJobAsAgent } from '../../../src/adapters/buildkite/agent-api.js';
import {
  errorOf,
  memoryLogger,
  quickClock,
  scriptedServer,
  signal,
  type Reply,
  type ScriptedServer,
  type SeenRequest,
} from './support.js';

const JOB = 'a1b2';

describe('failing a job as a temporary agent', () => {
  let server: ScriptedServer;
  let script: Record<string, Reply>;

  const usual: Record<string, Reply> = {
    'POST /v3/register': {
      json: { access_token: 'bkaa_session', request_headers: { 'Buildkite-Hop': '1', Other: 'x' } },
    },
    [`PUT /v3/jobs/${JOB}/acquire`]: { json: { id: JOB, token: 'bkaj_job', chunks_max_size_bytes: 8 } },
  };

  beforeEach(async () => {
    script = {};
    server = await scriptedServer(({ method, path }) => ({ ...usual, ...script })[`${method} ${path}`] ?? { text: '' });
  });
  afterEach(() => server.close());

  function run(text = 'image "x" is not there'): Promise<void> {
    return failJobAsAgent(
      {
        endpoint: `${server.url}/v3`,
        token: 'bkct_agent',
        tokenOrigin: 'secret "bk"',
        config: { queue: 'gpu', tags: ['queue=other', 'arch=arm'], httpTimeoutMs: 5000, logHttpPayloads: false },
        version: '1.2.3',
        clock: quickClock(),
        logger: memoryLogger(),
        random: () => 0,
      },
      { id: JOB, text },
      signal,
    );
  }

  const seen = (path: string): SeenRequest[] => server.seen.filter((request) => request.path.endsWith(path));

  it('takes the job, writes why, and finishes it as failed', async () => {
    await run();

    expect(server.calls().map((call) => call.replace(`/v3/jobs/${JOB}`, ''))).to.deep.equal([
      'POST /v3/register',
      'POST /v3/connect',
      'PUT /acquire',
      'PUT /start',
      'POST /chunks',
      'POST /chunks',
      'POST /chunks',
      'PUT /finish',
      'POST /v3/disconnect',
    ]);
    expect(seen('/register')[0]?.body).to.deep.include({
      name: `buildkite-${JOB}`,
      ignore_in_dispatches: true,
      meta_data: ['queue=gpu', 'arch=arm'],
      features: ['agent-core'],
    });
    expect(seen('/acquire')[0]?.headers).to.include({ 'x-buildkite-lock-acquire-job': '1' });
    expect(seen('/chunks').map(({ body }) => body)).to.deep.equal(['image "x', '" is not', ' there\n']);
    expect(seen('/chunks').map(({ query }) => query)).to.deep.equal([
      { sequence: '1', offset: '0', size: '8' },
      { sequence: '2', offset: '8', size: '8' },
      { sequence: '3', offset: '16', size: '7' },
    ]);
    expect(seen('/finish')[0]?.body).to.deep.include({ exit_status: '1', signal_reason: 'stack_error' });
  });

  it('uses each token where it belongs', async () => {
    await run();

    const used = server.seen.map(({ path, headers }) => [path.split('/').at(-1), headers.authorization]);
    expect(Object.fromEntries(used)).to.deep.equal({
      register: 'Token bkct_agent',
      connect: 'Token bkaa_session',
      acquire: 'Token bkaa_session',
      start: 'Token bkaj_job',
      chunks: 'Token bkaj_job',
      finish: 'Token bkaj_job',
      disconnect: 'Token bkaa_session',
    });
    expect(seen('/finish')[0]?.headers).to.include({ 'buildkite-hop': '1' });
    expect(seen('/finish')[0]?.headers).to.not.have.property('other');
  });

  it('leaves a job alone that is over or somebody else has', async () => {
    script[`PUT /v3/jobs/${JOB}/acquire`] = { status: 422 };

    await run();

    expect(server.calls().at(-1)).to.equal('POST /v3/disconnect');
    expect(seen('/start')).to.deep.equal([]);
  });

  it('stops quietly when the job is cancelled before it starts', async () => {
    script[`PUT /v3/jobs/${JOB}/start`] = { status: 422 };

    await run();

    expect(seen('/finish')).to.deep.equal([]);
  });

  it('says goodbye also after an error', async () => {
    script[`PUT /v3/jobs/${JOB}/acquire`] = { status: 404, json: { message: 'No job found' } };

    const error = await errorOf(run());

    expect(error.message).to.contain('No job found');
    expect(server.calls().at(-1)).to.equal('POST /v3/disconnect');
  });

  it('finishes the job even when its log cannot be written', async () => {
    script[`POST /v3/jobs/${JOB}/chunks`] = { status: 400 };

    await run('short');

    expect(seen('/finish')[0]?.body.chunks_failed_count).to.equal(1);
  });

  it('names the token that is not accepted', async () => {
    script['POST /v3/register'] = { status: 401, json: { message: 'Unauthorized bkct_agent' } };

    const error = await errorOf(run());

    expect(error.message).to.contain('the agent token from secret "bk" is not accepted').and.to.not.contain('bkct_');
  });
});

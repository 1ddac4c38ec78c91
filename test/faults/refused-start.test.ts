import { expect } from 'chai';
import { AGENT_TOKEN_SECRET, expectCleanLogs, NAMESPACE, startWorld, type World } from './world.js';

const KEY = 'BUILDKITE_AGENT_TOKEN';
const WRONG_TOKEN = 'bkct_thisIsNoTokenOfAnybody';

interface Refusal {
  readonly name: string;
  readonly prepare?: (world: World) => void;
  /** @default the world's */
  readonly kubeconfig?: string;
  readonly status: number;
  readonly says: readonly string[];
}

function replaceSecret({ kubernetes }: World, stringData: Readonly<Record<string, string>> | undefined): void {
  kubernetes.store.delete('secrets', NAMESPACE, AGENT_TOKEN_SECRET, {});
  if (stringData === undefined) return;
  kubernetes.store.create('secrets', { metadata: { name: AGENT_TOKEN_SECRET, namespace: NAMESPACE }, stringData });
}

const REFUSALS: readonly Refusal[] = [
  {
    name: 'the Secret of the agent token is not there',
    prepare: (world) => replaceSecret(world, undefined),
    status: 2,
    says: [AGENT_TOKEN_SECRET, NAMESPACE, KEY],
  },
  {
    name: 'the Secret of the agent token lacks the key',
    prepare: (world) => replaceSecret(world, { TOKEN: WRONG_TOKEN }),
    status: 2,
    says: [AGENT_TOKEN_SECRET, NAMESPACE, KEY],
  },
  {
    name: 'Buildkite does not know the agent token',
    prepare: (world) => replaceSecret(world, { [KEY]: WRONG_TOKEN }),
    status: 3,
    says: ['401', AGENT_TOKEN_SECRET, NAMESPACE, KEY],
  },
  {
    name: 'it may not read Secrets',
    prepare: ({ kubernetes }) => {
      const message = `secrets "${AGENT_TOKEN_SECRET}" is forbidden: User "controller" cannot get resource "secrets" in API group ""`;
      kubernetes.intercept(({ store }) =>
        store === 'secrets' ? { kind: 'status', code: 403, reason: 'Forbidden', message } : undefined,
      );
    },
    status: 3,
    says: ['secrets', 'verbs', 'Role', NAMESPACE],
  },
  {
    name: 'the API server does not know its own token',
    prepare: ({ kubernetes, kubeToken }) => kubernetes.removeToken(kubeToken),
    status: 3,
    says: ['401'],
  },
  {
    name: 'there is no kubeconfig where KUBECONFIG points',
    kubeconfig: '/nowhere/kubeconfig',
    status: 2,
    says: ['/nowhere/kubeconfig', 'KUBECONFIG'],
  },
];

describe('a controller that cannot start', function () {
  this.timeout(30_000);
  after(() => expectCleanLogs([WRONG_TOKEN]));

  for (const { name, prepare, kubeconfig, status, says } of REFUSALS) {
    it(`ends with status ${status} and the reason when ${name}`, async () => {
      const world = await startWorld();
      try {
        prepare?.(world);
        const controller = world.start({}, kubeconfig);

        expect(await controller.ended, controller.log()).to.equal(status);

        const last = controller.log().trimEnd().split('\n').at(-1);
        expect(last).to.include('level=error');
        for (const part of says) expect(last).to.include(part);
      } finally {
        await world.close();
      }
    });
  }
});

import { buildPeers, PeersUnavailable } from './control-plane.js';

/**
 * Builds the real programs once, before any cluster test. Where they cannot be had, all cluster tests are skipped with one
 * line that says why; `AGENT_STACK_K8S_REQUIRE_PEERS=1` makes that a failure, so that CI cannot pass by not looking.
 */
export const mochaHooks = {
  async beforeAll(this: Mocha.Context): Promise<void> {
    this.timeout(30 * 60_000);
    try {
      await buildPeers();
    } catch (error) {
      if (!(error instanceof PeersUnavailable) || process.env['AGENT_STACK_K8S_REQUIRE_PEERS'] === '1') throw error;
      console.error(`cluster tests skipped: ${error.message}`);
      this.skip();
    }
  },
};

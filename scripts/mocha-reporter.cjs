const { reporters } = require('mocha');

/** Dots, the failures in full, and a last line that a script can read. */
module.exports = class Counted extends reporters.Dot {
  constructor(runner, options) {
    super(runner, options);
    runner.once('end', () => {
      const { passes, failures, pending } = this.stats;
      console.log(`${passes} passed, ${failures} failed, ${pending} skipped`);
    });
  }
};

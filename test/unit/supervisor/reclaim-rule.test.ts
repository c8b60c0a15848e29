import assert from 'node:assert/strict';
import type { LeaseView } from '../../../src/broker/messages/lease.ts';
import { ReclaimRule } from '../../../src/supervisor/reclaim-rule.ts';

const G = 8_000;
/** The broker's clock is so far ahead of our monotonic one. */
const EPOCH = 1_700_000_000_000;

const look = (at: number, leases: LeaseView[], { took = 1, drift = 0 } = {}) => ({
  reply: { now: EPOCH + at + drift, leases },
  sentAt: at - took,
  answeredAt: at,
});
const expired: LeaseView = { daemon: 'a', deadlineAt: EPOCH - 1 };
const none = new Set<string>();
const newRule = () => new ReclaimRule({ graceMs: G, promptMs: 500, gapMs: 2 * G });

describe('the reclaim rule', () => {
  it('does not take a lease at the first look, however long it is expired', () => {
    assert.deepEqual(newRule().observe(look(1_000, [{ daemon: 'a', deadlineAt: 1 }]), none), []);
  });

  it('takes it at a second look at least the grace time later', () => {
    const rule = newRule();
    rule.observe(look(1_000, [expired]), none);
    assert.deepEqual(rule.observe(look(5_000, [expired]), none), []);
    assert.deepEqual(rule.observe(look(9_100, [expired]), none), [expired]);
  });

  it('starts over after a long time without a look: the broker may have stood still while this process did', () => {
    const rule = newRule();
    rule.observe(look(1_000, [expired]), none);
    assert.deepEqual(rule.observe(look(17_100, [expired]), none), []);
    rule.observe(look(22_000, [expired]), none);
    assert.deepEqual(rule.observe(look(25_200, [expired]), none), [expired]);
  });

  it('starts over when the deadline moved in between', () => {
    const rule = newRule();
    rule.observe(look(1_000, [expired]), none);
    assert.deepEqual(rule.observe(look(9_100, [{ ...expired, deadlineAt: EPOCH - 2 }]), none), []);
  });

  it('starts over when the lease was renewed in between', () => {
    const rule = newRule();
    rule.observe(look(1_000, [expired]), none);
    rule.observe(look(5_000, [{ daemon: 'a', deadlineAt: EPOCH + 30_000 }]), none);
    assert.deepEqual(rule.observe(look(9_100, [expired]), none), []);
  });

  it('forgets after a slow answer, after a jump of the broker’s clock, and after a failed call', () => {
    const slow = newRule();
    slow.observe(look(1_000, [expired]), none);
    slow.observe(look(5_000, [expired], { took: 600 }), none);
    assert.deepEqual(slow.observe(look(9_100, [expired]), none), []);

    const jumped = newRule();
    jumped.observe(look(1_000, [expired]), none);
    jumped.observe(look(5_000, [expired], { drift: 600_000 }), none);
    assert.deepEqual(jumped.observe(look(9_100, [expired], { drift: 600_000 }), none), []);

    const failed = newRule();
    failed.observe(look(1_000, [expired]), none);
    failed.forget();
    assert.deepEqual(failed.observe(look(9_100, [expired]), none), []);
  });

  it('never takes its own lease', () => {
    const rule = newRule();
    rule.observe(look(1_000, [expired]), new Set(['a']));
    assert.deepEqual(rule.observe(look(20_000, [expired]), new Set(['a'])), []);
  });

  it('finishes at once what another sweeper has begun to take', () => {
    const taken = { daemon: 'a', deadlineAt: -1 };
    assert.deepEqual(newRule().observe(look(1_000, [taken]), none), [taken]);
  });

  it('says when to look again: at the end of a lease, and the grace time after the first look at it', () => {
    const rule = newRule();
    assert.equal(rule.nextAt, Number.POSITIVE_INFINITY);
    const living = { daemon: 'b', deadlineAt: EPOCH + 6_000 };
    rule.observe(look(1_000, [living]), none);
    assert.equal(rule.nextAt, 6_001);
    rule.observe(look(6_001, [living]), none);
    assert.equal(rule.nextAt, 6_001 + G);
    rule.observe(look(7_000, [living, { daemon: 'c', deadlineAt: EPOCH + 9_000 }]), none);
    assert.equal(rule.nextAt, 9_001);
    assert.deepEqual(rule.observe(look(6_002 + G, [living]), none), [living]);
    assert.equal(rule.nextAt, Number.POSITIVE_INFINITY);
  });

  it('says nothing of its own leases, of those without an end, and after a failed call', () => {
    const rule = newRule();
    rule.observe(look(1_000, [expired, { daemon: 'nobody', deadlineAt: Number.NaN }]), new Set(['a']));
    assert.equal(rule.nextAt, Number.POSITIVE_INFINITY);
    rule.observe(look(2_000, [expired]), none);
    rule.forget();
    assert.equal(rule.nextAt, Number.POSITIVE_INFINITY);
  });
});

/** Tests the address by which connections are counted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf } from '../../src/gateway/admission/client-address.ts';

for (const [remoteAddress, address] of [
  ['10.1.2.3', '10.1.2.3'],
  ['::ffff:10.1.2.3', '10.1.2.3'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::6', '2001:db8:1:2::/64'],
  ['2001:db8::6', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
] as const) {
  test(`${remoteAddress} counts as ${address}`, () => assert.equal(addressOf({ remoteAddress }), address));
}

// Run by `node --test web/tests`.
import test from 'node:test';
import assert from 'node:assert/strict';
import { patched, PatchError } from '../lib/patch.js';
import { sum, compare, magnitude, isDecimal } from '../lib/decimal.js';

const document = { a: [1, 2, { b: null }], 'x/y': { '~': 1 } };
const written = JSON.stringify(document);

test('operations apply in their order, and the document before stays as it was', () => {
  const after = patched(document, [
    { op: 'add', path: '/a/-', value: 3 },
    { op: 'replace', path: '/a/2/b', value: [] },
    { op: 'add', path: '/a/2/b/0', value: 7 },
    { op: 'remove', path: '/a/0' },
    { op: 'replace', path: '/x~1y/~0', value: 2 },
    { op: 'add', path: '/n', value: 1 },
    { op: 'remove', path: '/n' },
  ]);
  assert.deepEqual(after, { a: [2, { b: [7] }, 3], 'x/y': { '~': 2 } });
  assert.equal(JSON.stringify(document), written);
});

test('what a patch does not touch keeps its identity', () => {
  const after = patched(document, [{ op: 'replace', path: '/x~1y/~0', value: 2 }]);
  assert.equal(after.a, document.a);
  assert.notEqual(after['x/y'], document['x/y']);
});

test('a value that one patch brought is not changed by the next', () => {
  const value = { k: 1 };
  const first = patched(document, [{ op: 'add', path: '/v', value }]);
  const second = patched(first, [{ op: 'replace', path: '/v/k', value: 2 }]);
  assert.equal(first.v.k, 1);
  assert.equal(second.v.k, 2);
});

test('a patch that does not fit is refused whole', () => {
  const unfit = [
    ['remove', '/a/3'], ['replace', '/q'], ['add', '/a/4', 1], ['replace', '/a/01', 1], ['remove', ''],
    ['move', '/a/0'], ['add', 'a', 1], ['replace', '/a/0/b', 1], ['replace', '/a/-', 1], ['remove', '/__proto__'],
  ];
  for (const [op, path, value] of unfit) {
    assert.throws(() => patched(document, [{ op: 'replace', path: '/a/0', value: 9 }, { op, path, value }]), PatchError, path);
    assert.equal(JSON.stringify(document), written);
  }
});

test('sums of decimals are exact', () => {
  assert.equal(sum([]), '0');
  assert.equal(sum(['0.1', '0.2']), '0.3');
  assert.equal(sum(['-0.000000000001', '12345678901234567890.5']), '12345678901234567890.499999999999');
  assert.equal(sum(['1.50', '-1.5']), '0');
  assert.equal(sum(['-0.25', '0.20']), '-0.05');
});

test('decimals compare by value, not by text', () => {
  assert.equal(compare('10', '9.99'), 1);
  assert.equal(compare('-10', '9'), -1);
  assert.equal(compare('1.0', '1'), 0);
  assert.equal(magnitude('-5110'), '5110');
  assert.ok(isDecimal('-0.5') && !isDecimal('1e5') && !isDecimal(5) && !isDecimal('P3.0'));
});

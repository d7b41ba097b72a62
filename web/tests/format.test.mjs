/** @file Figures on screen and in files. Run: node --test web/tests */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { short, signed, full, fixed, percent, points, price, move, tone, expiry, utc, clock, span, ago, csv, worded } from '../lib/format.js';

const each = (show, cases) => {
  for (const [given, expected] of cases) assert.equal(show(given), expected, `of ${given}`);
};

test('matrices: three significant digits, true minus, none and rounded to zero told apart', () => {
  each(short, [
    ['0', '·'], ['-0.000', '·'], [0, '·'], ['0.0001', '0'], ['-0.0004', '0'], ['0.483', '0.483'], ['12', '12'], ['-12.34', '−12.3'],
    ['999.4', '999'], ['49.98', '50.0'], ['12.000', '12'], ['99.96', '100'], ['0.9996', '1.00'], ['9.996', '10.0'], ['999.6', '1.00k'], ['-1000', '−1.00k'], ['99950', '100k'], ['-999500', '−1.00m'], ['999499', '999k'],
    ['1234567.891', '1.23m'], ['-497671.953943234047', '−498k'], ['2500000000', '2.50bn'], [1e22, '10000000000tn'], [1e-9, '0'],
    [null, 'n/a'], [undefined, 'n/a'], ['', 'n/a'], ['x', 'n/a'], [NaN, 'n/a'], [Infinity, 'n/a'],
  ]);
  each(signed, [['1', '+1'], ['-1', '−1'], ['0', '·'], ['0.0001', '0']]);
});

test('full figures lose no digit', () => {
  each(full, [
    ['-12345678901234567890.120', '−12\u2009345\u2009678\u2009901\u2009234\u2009567\u2009890.120'], ['0', '0'], ['-0', '0'], ['0.000000000001', '0.000000000001'],
  ]);
  assert.equal(full('1000', 'USD'), '1\u2009000 USD');
});

test('fixed decimals round half away from zero, in decimal', () => {
  const two = (value) => fixed(value, 2);
  each(two, [['1.005', '1.01'], ['-1.005', '−1.01'], ['0.004', '0.00'], ['-0.004', '0.00'], ['9.999', '10.00'], ['1', '1.00'], [null, 'n/a']]);
});

test('shares, vols, prices and moves', () => {
  each(percent, [[0.62, '62.0\u2009%'], [-0.0001, '0.0\u2009%'], [1.2346, '123.5\u2009%'], [null, 'n/a']]);
  each(points, [[0.483, '48.3'], [null, 'n/a']]);
  each(price, [[81773.2, '81\u2009773.2'], ['80957.50', '80\u2009957.50'], [0.04321, '0.043210'], [null, 'n/a']]);
  each(move, [[1.26, '+1.3'], [-0.04, '0.0'], [0, '0.0'], [-16, '−16.0']]);
  each(tone, [['-0.1', 'short'], ['0.1', 'long'], ['0.000', 'zero'], [null, 'zero']]);
});

test('times are UTC, expiries as venues write them', () => {
  assert.equal(expiry('2026-11-28T08:00:00Z'), '28NOV26');
  assert.equal(utc('2026-11-25T12:30:00Z'), '2026-11-25 12:30:00 UTC');
  assert.equal(clock('2026-11-25T12:30:00Z'), '12:30:00');
  assert.equal(utc(null), 'n/a');
  assert.equal(clock('nonsense'), 'n/a');
  each(span, [[1.23, '1.2 s'], [45, '45 s'], [180, '3 min'], [7200, '2 h'], [null, 'n/a']]);
  assert.equal(ago('2026-11-25T12:30:00Z', Date.parse('2026-11-25T12:30:45Z')), '45 s');
});

test('files: ASCII, quoted, and no text that a spreadsheet would run', () => {
  assert.equal(csv([['a', '−1\u2009000.5', '-2'], ['=1+1', '-cmd', 'a,"b"'], [null, 0, 1.5]]), 'a,-1000.5,-2\r\n\'=1+1,\'-cmd,"a,""b"""\r\n,0,1.5\r\n');
});

test('words of the server get the minus of the screen, dates do not', () => {
  assert.equal(worded('all +20 %, vol -10'), 'all +20 %, vol −10');
  assert.equal(worded('2020-03-12 crash'), '2020-03-12 crash');
  assert.equal(worded('-16% up'), '−16% up');
});

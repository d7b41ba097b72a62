/** @file The measures: words, units and rules as in docs/glossary.md. */

/**
 * @typedef {object} Measure
 * @property {string} key   key of the USD figure
 * @property {string} coin  key of the coin twin
 * @property {string} word
 * @property {string} sign  short form for headers
 * @property {string} unit
 * @property {string} coinUnit  after the coin's name
 * @property {string} rule  what it says, in one line
 * @property {string} [letter]  chooses it in a matrix
 */

/** @type {Measure[]} */
export const MEASURES = [
  { key: 'value_usd', coin: 'value_coin', word: 'value', sign: 'value', unit: 'USD', coinUnit: '',
    rule: 'what it is worth' },
  { key: 'delta_cash_usd', coin: 'delta_coin', word: 'cash delta', sign: 'Δ', unit: 'USD per 100 %', coinUnit: '',
    letter: 'd', rule: 'coin delta × spot: for a spot move of 100 %, linearly; divide by 100 for 1 %' },
  { key: 'gamma_cash_1pct_usd', coin: 'gamma_1pct_coin', word: 'gamma cash 1 %', sign: 'Γ', unit: 'USD per 1 %',
    coinUnit: 'per 1 %', letter: 'g', rule: 'change of coin delta for +1 % of spot, in USD at today’s spot' },
  { key: 'vega_usd_per_point', coin: 'vega_coin_per_point', word: 'vega', sign: 'vega', unit: 'USD per vol point',
    coinUnit: 'per point', letter: 'v', rule: 'change of value for one point of vol' },
  { key: 'vega_30d_usd_per_point', coin: 'vega_30d_coin_per_point', word: '30-day vega', sign: 'vega 30d',
    unit: 'USD per vol point', coinUnit: 'per point', rule: 'vega × √(30 d / max(T, 1 d))' },
  { key: 'theta_usd_per_day', coin: 'theta_coin_per_day', word: 'theta', sign: 'θ', unit: 'USD per calendar day',
    coinUnit: 'per day', letter: 't', rule: 'change of value over a day at fixed spot and vol (365 days a year)' },
  { key: 'delta_settlement_usd', coin: 'delta_settlement_coin', word: 'settlement-adjusted delta', sign: 'Δ settl.',
    unit: 'USD per 100 %', coinUnit: '', rule: 'change of the coin value: delta less mark for inverse options' },
  { key: 'charm_usd_per_day', coin: 'charm_coin_per_day', word: 'charm', sign: 'charm', unit: 'USD per calendar day',
    coinUnit: 'per day', rule: 'change of cash delta over a day' },
  { key: 'vanna_usd_per_point_1pct', coin: 'vanna_coin_per_point_1pct', word: 'vanna', sign: 'vanna',
    unit: 'USD per vol point per 1 %', coinUnit: 'per point per 1 %', rule: 'change of vega for +1 % of forward' },
  { key: 'volga_usd_per_point2', coin: 'volga_coin_per_point2', word: 'volga', sign: 'volga',
    unit: 'USD per vol point²', coinUnit: 'per point²', rule: 'change of vega for one vol point' },
  { key: 'rho_usd_per_bp', coin: 'rho_coin_per_bp', word: 'rho', sign: 'ρ', unit: 'USD per bp', coinUnit: 'per bp',
    rule: 'spot held: forward and discount move together by one basis point' },
];

/** The five of headlines and strips. */
export const FIVE = ['value_usd', 'delta_cash_usd', 'gamma_cash_1pct_usd', 'vega_usd_per_point', 'theta_usd_per_day']
  .map((key) => MEASURES.find((one) => one.key === key));

/** @param {string} key @returns {Measure} */
export const measure = (key) => MEASURES.find((one) => one.key === key) ?? MEASURES[1];

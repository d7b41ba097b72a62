/** @file The views in the order of keys 1 to 9. Each module is read when it is first shown. */

/**
 * @typedef {{name: string, title: string, letter: string, Component: Function}} View
 * @typedef {{name: string, title: string, letter: string, group: string, load: () => Promise<{default: View}>}} Listed
 */

const view = (name, title, letter, group) => ({ name, title, letter, group, load: () => import(`./${name}.js`) });

/** @type {Listed[]} */
export const VIEWS = [
  view('overview', 'Overview', 'o', 'Book'),
  view('exposure', 'Exposure', 'e', 'Book'),
  view('positions', 'Positions', 'p', 'Book'),
  view('margin', 'Margin', 'm', 'Line'),
  view('liquidation', 'Liquidation', 'k', 'Line'),
  view('ladder', 'Ladder', 'l', 'If it moves'),
  view('curve', 'P&L curve', 'c', 'If it moves'),
  view('stress', 'Stress', 's', 'If it moves'),
  view('proposals', 'Proposals', 'h', 'Act'),
  view('alerts', 'Alerts', 'a', 'Act'),
  view('whatif', 'What-if', 'w', 'If it moves'),
  view('surface', 'Surface', 'f', 'Market'),
  view('smile', 'Smile', 'i', 'Market'),
  view('funding', 'Funding', 'u', 'Market'),
  view('oracle', 'Oracle', 'r', 'Market'),
  view('feeds', 'Feeds', 'd', 'Market'),
  view('profit', 'P&L explain', 'x', 'Book'),
  view('history', 'History', 'y', 'Proof'),
  view('records', 'Records', 'j', 'Proof'),
  view('policy', 'Policy', 'q', 'Proof'),
];

/** @param {string} name @returns {Listed|undefined} */
export const viewOf = (name) => VIEWS.find((one) => one.name === name);

export const GROUPS = ['Book', 'Line', 'If it moves', 'Act', 'Market', 'Proof'];

/** @file The views, written down a second time: a view that gets lost is missed. */
const view = (name, title, ...keys) => ({ name, title, keys });

export const VIEWS = [
  view('overview', 'Overview', '1'),
  view('exposure', 'Exposure', '2'),
  view('positions', 'Positions', '3'),
  view('margin', 'Margin', '4'),
  view('liquidation', 'Liquidation', '5'),
  view('ladder', 'Ladder', '6'),
  view('curve', 'P&L curve', '7'),
  view('stress', 'Stress', '8'),
  view('proposals', 'Proposals', '9'),
  view('alerts', 'Alerts', 'g', 'a'),
  view('whatif', 'What-if', 'g', 'w'),
  view('surface', 'Surface', 'g', 'f'),
  view('smile', 'Smile', 'g', 'i'),
  view('funding', 'Funding', 'g', 'u'),
  view('oracle', 'Oracle', 'g', 'r'),
  view('feeds', 'Feeds', 'g', 'd'),
  view('profit', 'P&L explain', 'g', 'x'),
  view('history', 'History', 'g', 'y'),
  view('records', 'Records', 'g', 'j'),
  view('policy', 'Policy', 'g', 'q'),
];

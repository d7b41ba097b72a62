/**
 * @file How evenly the page draws while a large book moves: time between frames and long tasks, view by view.
 *
 * `npm --prefix browser run frames` starts the load bench of the server (10,000 positions in 400 accounts, 20 ticks of the index a
 * second) and looks at it; PLIMSOLL_LOAD is the bench's program where it is built already, PLIMSOLL_SECONDS how long each view is
 * watched. The first line is the same page with a view that does not move: what the machine itself does to frames.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { launch, open } from './lib/browser.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SECONDS = Number(process.env.PLIMSOLL_SECONDS ?? 15);
/** Long enough for a build of the bench. */
const START_MS = 900000;
/** Before a view is watched it has drawn its first figures. */
const SETTLE_MS = 3000;

function started() {
  const program = process.env.PLIMSOLL_LOAD;
  const [command, args] = program ? [program, []] : ['cargo', ['bench', '-p', 'server', '--bench', 'load']];
  const child = spawn(command, args, { cwd: ROOT, env: { ...process.env, PLIMSOLL_SERVE: '1' }, stdio: ['ignore', 'ignore', 'pipe'] });
  process.once('exit', () => child.kill('SIGKILL'));
  return new Promise((found, failed) => {
    let said = '';
    const late = setTimeout(() => failed(new Error(`no address: ${said}`)), START_MS);
    child.once('exit', (code) => failed(new Error(`the bench ended with ${code}: ${said}`)));
    child.stderr.on('data', (bytes) => {
      said += bytes;
      const match = /(http:\/\/\S+?)\/?#token=(\w+)/.exec(said);
      if (!match) return;
      clearTimeout(late);
      found({ origin: match[1], url: `${match[1]}/#token=${match[2]}`, stop: () => child.kill('SIGKILL') });
    });
  });
}

/** Runs in the page. */
function watched(milliseconds) {
  return new Promise((done) => {
    const [between, tasks] = [[], []];
    const observer = new PerformanceObserver((list) => tasks.push(...list.getEntries().map((entry) => entry.duration)));
    observer.observe({ type: 'longtask' });
    const begun = performance.now();
    let last = begun;
    const frame = (now) => {
      between.push(now - last);
      last = now;
      if (now - begun < milliseconds) requestAnimationFrame(frame);
      else {
        observer.disconnect();
        done({ between: between.slice(1), tasks });
      }
    };
    requestAnimationFrame(frame);
  });
}

const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

async function look(page, name, baseline) {
  await page.waitForTimeout(SETTLE_MS);
  const { between, tasks } = await page.evaluate(watched, SECONDS * 1000);
  between.sort((a, b) => a - b);
  const [median, tail, longest] = [at(between, 0.5), at(between, 0.99), between.at(-1)];
  const ratio = baseline ? ` ${(tail / baseline).toFixed(1)} x the still page` : '';
  const figures = `median ${median.toFixed(1)} ms, 99 % ${tail.toFixed(1)} ms, longest ${longest.toFixed(0)} ms`;
  const long = `${tasks.length} tasks over 50 ms, longest ${Math.max(0, ...tasks).toFixed(0)} ms`;
  console.log(`${name.padEnd(34)} ${String(between.length).padStart(5)} frames: ${figures}; ${long};${ratio}`);
  return tail;
}

const load = await started();
const browser = await launch();
try {
  const shown = await open(browser, load);
  const { page } = shown;
  await shown.show('policy');
  const still = await look(page, 'policy, which does not move');
  for (const view of ['overview', 'exposure', 'margin', 'positions']) {
    await shown.show(view);
    await look(page, view, still);
  }
  await page.locator('.tree tbody button').nth(1).click();
  await look(page, 'positions, an expiry unfolded', still);
  if (shown.errors.length) throw new Error(shown.errors.join('\n'));
} finally {
  await browser.close();
  load.stop();
}

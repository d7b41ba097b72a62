/** @file Starts the program under test, `plimsoll demo`, each time in an empty folder of its own. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile, copyFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** npm changes into the folder of the package; a relative path was meant from where the person stood. */
const BINARY = resolve(process.env.INIT_CWD ?? ROOT, process.env.PLIMSOLL_BIN ?? 'target/release/plimsoll');
const START_MS = 30000;
const STOP_MS = 10000;
/** Long enough that no test sees the end of the simulation. */
const SECONDS = 36000;

/** @returns {Promise<number>} a port that was free a moment ago */
export function freePort() {
  return new Promise((found, failed) => {
    const server = createServer().once('error', failed);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => found(port));
    });
  });
}

/**
 * A parameter file of the repository with some of its lines changed.
 * @param {string} path from the root of the repository
 * @param {[string, string][]} changes what stands there, what is to stand there; it must stand there
 * @param {string} [more] put at the end
 */
export async function changed(path, changes, more = '') {
  let text = await readFile(join(ROOT, path), 'utf8');
  for (const [from, to] of changes) {
    if (!text.includes(from)) throw new Error(`${path} has no line ${from}`);
    text = text.replace(from, to);
  }
  return `${text}\n${more}`;
}

/** The demo's policy, but ETH is hedged from a small delta on: there is a proposal within seconds. */
export const eagerPolicy = () => changed('policies/demo.toml', [
  ['half_width_usd = 200000.0', 'half_width_usd = 20000.0'],
]);

function address(child) {
  return new Promise((found, failed) => {
    let said = '';
    const late = setTimeout(() => failed(new Error(`no address within ${START_MS} ms: ${said}`)), START_MS);
    child.once('error', failed);
    child.once('exit', (code) => failed(new Error(`${BINARY} ended with ${code}: ${said}`)));
    child.stderr.on('data', (bytes) => {
      said += bytes;
      const match = /(http:\/\/\S+?)\/?#token=(\w+)/.exec(said);
      if (!match) return;
      clearTimeout(late);
      found({ origin: match[1], token: match[2] });
    });
  });
}

/**
 * @param {object} [options]
 * @param {number} [options.port]
 * @param {number} [options.speed] simulated seconds a second
 * @param {string} [options.policy] text of a policy
 * @param {string} [options.world] text of a world
 * @param {boolean} [options.alone] from a copy of the program in a folder with nothing else, without environment
 */
export async function startDemo({ port, speed = 10, policy, world, alone = false } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'plimsoll-browser-'));
  const inputs = await mkdtemp(join(tmpdir(), 'plimsoll-inputs-'));
  let program = BINARY;
  if (alone) {
    program = join(folder, 'plimsoll');
    await copyFile(BINARY, program);
  }
  const options = ['demo', '--view', 'none', '--journal', join(folder, 'journal'), '--speed', speed, '--seconds', SECONDS,
    '--listen', `127.0.0.1:${port ?? await freePort()}`];
  for (const [name, text] of Object.entries({ policy, world })) {
    if (text === undefined) continue;
    await writeFile(join(inputs, name), text);
    options.push(`--${name}`, join(inputs, name));
  }
  const env = alone ? {} : process.env;
  const child = spawn(program, options.map(String), { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise((done) => { child.once('exit', done); });
  // A test that dies takes the program with it.
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  const { origin, token } = await address(child);
  const { port: ownPort } = new URL(origin);

  async function stop() {
    const late = setTimeout(end, STOP_MS);
    child.kill('SIGINT');
    await ended;
    clearTimeout(late);
    process.removeListener('exit', end);
    await Promise.all([folder, inputs].map((path) => rm(path, { recursive: true, force: true })));
  }

  /** @param {string} path such as /v1/overview @returns {Promise<object>} */
  async function get(path) {
    const answer = await fetch(origin + path, { headers: { Authorization: `Bearer ${token}` } });
    const body = await answer.json();
    if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${JSON.stringify(body)}`);
    return body;
  }

  return { origin, token, port: Number(ownPort), url: `${origin}/#token=${token}`, folder, get, stop };
}

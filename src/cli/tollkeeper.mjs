#!/usr/bin/env -S node --max-semi-space-size=64
// A larger young generation: most of a batch dies with it, and copying it to the old one cost a third of the CPU.
// The command's entry: plain JavaScript, so that it can speak to a Node that is too old and build what is not built yet.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';

const NODE_MIN = [20, 19];
const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const MAIN = join(ROOT, 'dist/src/cli/main.js');
/** Its time is when the last complete build began: a source changed while it ran is newer and builds again. */
const STAMP = join(ROOT, 'dist/.built');
const LOCK = join(ROOT, 'dist/.building');
const COMPILER = join(ROOT, 'node_modules/typescript/bin/tsc');
const LOCK_POLL_MS = 100;
const LOCK_MS_MAX = 300_000;

checkNode();
if (process.argv[2] === '--build-only') {
  // `npm run build` and `npm ci`: the compiler decides what has changed, and the stamp is the one that is looked at below.
  await build(canCompile);
} else {
  if (needsBuild()) await build(needsBuild);
  const { main } = await import(pathToFileURL(MAIN).href);
  process.exitCode = await main(process.argv.slice(2));
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1])) return;
  giveUp(`tollkeeper needs Node ${NODE_MIN.join('.')} or later; this is ${process.versions.node}.`);
}

/** An installed package is built and has no compiler; without either, nothing can run. */
function canCompile() {
  if (existsSync(COMPILER)) return true;
  if (existsSync(MAIN)) return false;
  giveUp('tollkeeper is not built, and there is no TypeScript here to build it: run `npm ci` in its directory.');
}

/** Only a checkout can be out of date. */
function needsBuild() {
  if (!canCompile()) return false;
  const builtMs = existsSync(MAIN) ? modifiedMs(STAMP) : 0;
  if (builtMs === 0) return true;
  const sources = ['src', 'jobs', 'bench'].map((name) => join(ROOT, name)).filter((path) => existsSync(path));
  const settings = ['tsconfig.json', 'tsconfig.build.json'].map((name) => join(ROOT, name));
  return settings.some((path) => modifiedMs(path) > builtMs) || sources.some((path) => hasNewer(path, builtMs));
}

function hasNewer(directory, sinceMs) {
  return readdirSync(directory, { withFileTypes: true }).some((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return hasNewer(path, sinceMs);
    return entry.name.endsWith('.ts') && modifiedMs(path) > sinceMs;
  });
}

function modifiedMs(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** One process builds; the others wait for it and look again. */
async function build(isNeeded) {
  try {
    mkdirSync(dirname(LOCK), { recursive: true });
    while (!takeLock()) {
      await sleep(LOCK_POLL_MS);
      if (!existsSync(LOCK) && !isNeeded()) return;
    }
    try {
      if (isNeeded()) compile();
    } finally {
      rmSync(LOCK, { force: true });
    }
  } catch (error) {
    if (!['EACCES', 'EPERM', 'EROFS'].includes(error.code)) throw error;
    giveUp(
      `tollkeeper has to be built, and this user may not write ${error.path}: run \`npm run build\` as its owner.`,
    );
  }
}

function takeLock() {
  try {
    writeFileSync(LOCK, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    // A builder that is gone, or that died between creating the lock and writing its number, holds up nobody.
    const isOld = Date.now() - modifiedMs(LOCK) > LOCK_MS_MAX;
    if (!isAlive(readLock()) || isOld) rmSync(LOCK, { force: true });
    return false;
  }
}

/** The builder's process id; undefined when it has just finished, or is just writing it. */
function readLock() {
  try {
    return Number(readFileSync(LOCK, 'utf8')) || undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  if (pid === undefined) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function compile() {
  process.stderr.write('building tollkeeper …\n');
  const began = new Date();
  // Without the output the compiler's memory of it is wrong, and it would not write the files again.
  if (!existsSync(MAIN)) rmSync(join(ROOT, 'dist/.tsbuildinfo'), { force: true });
  rmSync(STAMP, { force: true });
  const result = spawnSync(process.execPath, [COMPILER, '-p', join(ROOT, 'tsconfig.build.json')], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (result.status !== 0) {
    rmSync(LOCK, { force: true });
    giveUp(`${result.stdout}${result.stderr}tollkeeper could not be built.`);
  }
  writeFileSync(STAMP, '');
  utimesSync(STAMP, began, began);
}

function giveUp(text) {
  process.stderr.write(`${text}\n`);
  process.exit(1);
}

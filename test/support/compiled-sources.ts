import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../src/adapters/package-root.ts';
import { runCommand } from './run-command.ts';

const CHECKOUT = packageRoot();

/** The sources as plain JavaScript, for tests that start processes of their own. */
export interface CompiledSources {
  /** `<dir>/src/cli/main.js` is `src/cli/main.ts`, and so on. */
  readonly dir: string;
  remove(): Promise<void>;
}

/** Compiles the checkout into a temporary folder, without the type check that `npm test` has made already. */
export async function compileSources(): Promise<CompiledSources> {
  const dir = await mkdtemp(join(tmpdir(), 'tollkeeper-compiled-'));
  const tsc = join(CHECKOUT, 'node_modules/typescript/bin/tsc');
  const flags = ['--noCheck', '--declaration', 'false', '--incremental', 'false', '--outDir', dir];
  await runCommand(process.execPath, [tsc, '-p', join(CHECKOUT, 'tsconfig.json'), ...flags]);
  // What the program reads beside its code.
  for (const name of ['node_modules', 'package.json', 'rules', 'src/adapters/postgres/migrations']) {
    await symlink(join(CHECKOUT, name), join(dir, name));
  }
  return { dir, remove: () => rm(dir, { recursive: true, force: true }) };
}

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Contract, deriveContract } from './derive.ts';
import { OPERATIONS } from './operations.ts';

const OWN_FILES = ['derive.ts', 'operations.ts', 'schema-writer.ts'];

/** The contract of the installed SDK; derived once per version of it, and of the code that derives it. */
export function loadContract(): Contract {
  const directory = dirname(dirname(createRequire(import.meta.url).resolve('stripe')));
  const version = readFileSync(join(directory, 'VERSION'), 'utf8').trim();
  const own = OWN_FILES.map((name) => readFileSync(fileURLToPath(new URL(name, import.meta.url)), 'utf8')).join('');
  const stamp = createHash('sha256').update(own).digest('hex').slice(0, 12);
  const cache = join(tmpdir(), `tollkeeper-stripe-contract-${process.getuid?.() ?? 'user'}`);
  const file = join(cache, `${version}-${stamp}.json`);
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Contract;
  const contract = deriveContract(directory, version, OPERATIONS);
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  // Two test files may do this at the same time.
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(contract));
  renameSync(draft, file);
  return contract;
}

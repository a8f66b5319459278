import { posix } from 'node:path';
import { importsOf } from './layering.ts';
import type { SourceFile } from './source-file.ts';

const REGISTRIES = [
  { folder: 'src/domain/detectors', factory: 'defineDetector', index: 'src/domain/detectors/index.ts' },
  { folder: 'src/domain/detectors', factory: 'defineStreamDetector', index: 'src/domain/detectors/index.ts' },
  { folder: 'src/domain/fleet', factory: 'defineFleetDetector', index: 'src/domain/detectors/index.ts' },
  { folder: 'src/actions', factory: 'defineAction', index: 'src/actions/index.ts' },
];

/** Detectors, actions and jobs that exist as files but that nothing would ever run. */
export function registryFaults(files: readonly SourceFile[]): readonly string[] {
  return [...REGISTRIES.flatMap((registry) => missingFrom(registry, files)), ...jobsWithoutQueue(files)];
}

function missingFrom(registry: (typeof REGISTRIES)[number], files: readonly SourceFile[]): readonly string[] {
  const { folder, factory, index } = registry;
  const members = files.filter(({ path, code }) => {
    // A call, not the factory's own declaration: helpers that share the folder are not members.
    return posix.dirname(path) === folder && new RegExp(`=\\s*${factory}\\b`).test(code);
  });
  const registered = importsOf(files.find(({ path }) => path === index)?.text ?? '').map(({ target }) => target);
  return members
    .filter(({ path }) => !registered.includes(specifierFrom(index, path)))
    .map(({ path }) => `${path}: missing in ${index}`);
}

/** How the registry would import a member: `./z-score.ts`, `../fleet/ring.ts`. */
function specifierFrom(index: string, path: string): string {
  const relative = posix.relative(posix.dirname(index), path);
  return relative.startsWith('.') ? relative : `./${relative}`;
}

function jobsWithoutQueue(files: readonly SourceFile[]): readonly string[] {
  const queues = files.find(({ path }) => path === 'src/queues.ts');
  if (queues === undefined) return [];
  return files
    .filter(({ path }) => posix.dirname(path) === 'jobs')
    .map(({ path }) => posix.basename(path, '.ts'))
    .filter((name) => !queues.text.includes(`'${name}'`))
    .map((name) => `jobs/${name}.ts: src/queues.ts has no queue '${name}'`);
}

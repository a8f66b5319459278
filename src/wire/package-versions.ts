import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { z } from 'zod';
import { packageRoot } from '../adapters/package-root.ts';

const manifestSchema = z.object({ version: z.string() });

/** Versions of this package and of the queue library it runs with. */
export function packageVersions(): { readonly tollkeeper: string; readonly bullmq: string } {
  const require = createRequire(import.meta.url);
  return {
    tollkeeper: versionIn(join(packageRoot(), 'package.json')),
    bullmq: versionIn(require.resolve('bullmq/package.json')),
  };
}

function versionIn(path: string): string {
  return manifestSchema.parse(JSON.parse(readFileSync(path, 'utf8'))).version;
}

import { describe, expect, test } from 'vitest';
import { codeOnly } from '../support/tidy/code-only.ts';
import { codeFaults, titleFaults } from '../support/tidy/code-rules.ts';
import { layeringFaults } from '../support/tidy/layering.ts';
import { registryFaults } from '../support/tidy/registries.ts';
import { sourceFile } from '../support/tidy/source-file.ts';

describe('layering', () => {
  test.each([
    ['src/domain/a.ts', "import { b } from '../actions/b.ts';"],
    ['src/domain/a.ts', "import type { B } from '../pipeline/b.ts';"],
    ['src/domain/a.ts', "import { readFile } from 'node:fs/promises';"],
    ['src/domain/a.ts', "import { randomUUID } from 'node:crypto';"],
    ['src/domain/a.ts', "import { createHash, randomBytes } from 'node:crypto';"],
    ['src/domain/a.ts', "import pg from 'pg';"],
    ['src/domain/a.ts', "const b = await import('../adapters/b.ts');"],
    ['src/domain/a.ts', "export * from '../wire.ts';"],
    ['src/actions/a.ts', "import { b } from '../pipeline/b.ts';"],
    ['src/pipeline/a.ts', "import {\n  b,\n} from '../adapters/b.ts';"],
    ['src/adapters/a.ts', "import { b } from '../http/b.ts';"],
    ['src/cli/a.ts', "import { b } from '../adapters/b.ts';"],
    ['jobs/a.ts', "import { b } from '../src/adapters/b.ts';"],
    ['jobs/a.ts', "import { b } from '../src/wire.ts';"],
    ['src/cli/a.ts', "import { b } from '../../test/b.ts';"],
    ['src/domain/a.ts', "import { b } from '../log.ts';"],
    ['src/log.ts', "import { b } from './pipeline/b.ts';"],
    ['src/log.ts', "import { b } from './domain/rules/b.ts';"],
    ['src/queues.ts', "import { b } from './pipeline/b.ts';"],
    ['src/producer/a.ts', "import { b } from '../pipeline/b.ts';"],
    ['src/new-layer/a.ts', ''],
  ])('refuses in %s: %s', (path, text) => {
    expect(layeringFaults(sourceFile(path, text))).toHaveLength(1);
  });

  test.each([
    ['src/domain/a.ts', "import { createHash } from 'node:crypto';"],
    [
      'src/domain/a.ts',
      "import { z } from 'zod';\nimport { b } from './b.ts';\nimport { AppError } from '../errors.ts';",
    ],
    ['src/actions/a.ts', "import { b } from '../domain/b.ts';"],
    ['src/adapters/a.ts', "import type { B } from '../pipeline/b.ts';"],
    ['src/log.ts', "import { b } from './secret.ts';"],
    ['src/log.ts', "import { b } from './domain/text/b.ts';"],
    ['src/producer/a.ts', "import { b } from '../queues.ts';"],
    ['src/wire.ts', "import { b } from './adapters/b.ts';"],
    ['src/wire/app.ts', "import { b } from '../adapters/b.ts';\nimport { c } from '../../jobs/c.ts';"],
    ['src/cli/a.ts', "import type { B } from '../adapters/b.ts';"],
    ['jobs/a.ts', "import { b } from '../src/pipeline/b.ts';"],
    ['test/a.test.ts', "import { b } from '../src/adapters/b.ts';"],
  ])('allows in %s: %s', (path, text) => {
    expect(layeringFaults(sourceFile(path, text))).toEqual([]);
  });
});

describe('house rules', () => {
  const later = ['TO', 'DO'].join('');
  const suppression = ['// @ts', 'ignore'].join('-');

  test.each([
    ['src/domain/a.ts', 'const now = Date.now();'],
    ['src/pipeline/a.ts', 'const now = new Date();'],
    ['src/actions/a.ts', 'const x = Math.random();'],
    ['src/domain/a.ts', 'process.exit(1);'],
    ['src/domain/a.ts', 'const start = performance.now();'],
    ['src/cli/a.ts', 'const home = process.env.HOME;'],
    ['jobs/a.ts', 'const home = process.env;'],
    ['src/cli/a.ts', 'export default 1;'],
    ['src/cli/a.ts', 'export { main as default };'],
    ['src/cli/a.ts', 'let x: any;'],
    ['src/cli/a.ts', 'f(x as any);'],
    ['src/cli/a.ts', 'const x: Array<any> = [];'],
    ['src/cli/a.ts', 'const x: Record<string, any> = {};'],
    ['src/cli/a.ts', `${suppression}\nf();`],
    ['src/cli/a.ts', `// ${later}: later`],
    ['test/unit/a.test.ts', "test.only('x', () => {});"],
    ['test/unit/a.test.ts', "describe.skip('x', () => {});"],
    ['test/unit/a.test.ts', "test.skipIf(isRoot)('x', () => {});"],
    ['src/cli/ingestFile.ts', ''],
    ['src/cli/ingest_file.ts', ''],
    ['src/cli/a.ts', "import { b } from './b';"],
    ['src/cli/a.ts', "import { b } from './b.js';"],
    ['src/cli/a.ts', 'x;\n'.repeat(401)],
  ])('refuses in %s: %s', (path, text) => {
    expect(codeFaults(sourceFile(path, text))).toHaveLength(1);
  });

  test.each([
    ['src/config.ts', 'const home = process.env.HOME;'],
    ['src/adapters/a.ts', 'const at = new Date();'],
    ['src/pipeline/a.ts', 'const start = performance.now();'],
    ['src/domain/a.ts', 'const at = new Date(ms); // Date.now() would differ'],
    ['src/domain/a.ts', "say('any process.env, Math.random');"],
    ['src/domain/a.ts', '/** Any or any other. */\nif (list.any(x)) f({ any: 1 });'],
    ['test/a.test.ts', 'expect(x).toEqual(expect.any(Number));'],
    ['vitest.config.ts', 'export default {};'],
    ['src/cli/a.ts', 'x;\n'.repeat(400)],
  ])('allows in %s: %s', (path, text) => {
    expect(codeFaults(sourceFile(path, text))).toEqual([]);
  });

  test('two tests of one file may not share a title', () => {
    const text = "test('a', f);\n  test.each(t)('b', f);\ntest(\n  'a',\n  f);\nit('b', f);";
    expect(titleFaults(sourceFile('test/x.test.ts', text))).toHaveLength(2);
  });
});

describe('registries', () => {
  const detector = sourceFile('src/domain/detectors/burst.ts', 'export const burst = defineDetector({});');
  const contract = sourceFile('src/domain/detectors/detector.ts', 'export function defineDetector() {}');
  const index = (text: string) => sourceFile('src/domain/detectors/index.ts', text);

  test('a detector that its index does not name is a fault', () => {
    expect(registryFaults([detector, contract, index('')])).toHaveLength(1);
    expect(registryFaults([detector, contract, index("import { burst } from './burst.ts';")])).toEqual([]);
  });

  test('a detector across accounts that the index does not name is a fault', () => {
    const ring = sourceFile('src/domain/fleet/ring.ts', "export const ring = defineFleetDetector({ kind: 'ring' });");
    const factory = sourceFile('src/domain/fleet/fleet-rule.ts', 'export function defineFleetDetector() {}');
    expect(registryFaults([ring, factory, index('')])).toHaveLength(1);
    expect(registryFaults([ring, factory, index("import { ring } from '../fleet/ring.ts';")])).toEqual([]);
  });

  test('a job without a queue is a fault', () => {
    const job = sourceFile('jobs/usage.ts', '');
    expect(registryFaults([job, sourceFile('src/queues.ts', "name: 'review'")])).toHaveLength(1);
    expect(registryFaults([job, sourceFile('src/queues.ts', "name: 'usage'")])).toEqual([]);
  });
});

// Kept apart from its brace: the texts below are code to scan, not templates of this file.
const DOLLAR = '$';

describe('code without comments and strings', () => {
  test.each([
    ['a; // b\nc;', 'a;  \nc;'],
    ['a /* b\n c */ d', 'a  \n d'],
    ['f("it\'s // no", 1)', "f('', 1)"],
    ['x.replace(/[\'"/]/g, y)', "x.replace(''g, y)"],
    ['a / b / c', 'a / b / c'],
    [`\`a ${DOLLAR}{f({ b: \`c\` })} d\` + e`, `\`${DOLLAR}{f({ b: \`\` })}\` + e`],
  ])('of %s', (text, code) => {
    expect(codeOnly(text)).toBe(code);
  });
});

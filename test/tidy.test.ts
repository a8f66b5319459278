import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { codeFaults, titleFaults } from './support/tidy/code-rules.ts';
import { layeringFaults } from './support/tidy/layering.ts';
import { registryFaults } from './support/tidy/registries.ts';
import { readSources } from './support/tidy/source-file.ts';

const files = readSources(fileURLToPath(new URL('..', import.meta.url)));

test('the tidiness rules look at the whole project', () => {
  for (const folder of ['src/domain/', 'src/pipeline/', 'src/adapters/', 'jobs/', 'test/']) {
    expect(files.filter(({ path }) => path.startsWith(folder)).length, folder).toBeGreaterThan(0);
  }
});

test('imports point from the edges to the domain and only wire constructs adapters', () => {
  expect(files.flatMap(layeringFaults)).toEqual([]);
});

test('every file keeps the house rules', () => {
  expect(files.flatMap(codeFaults)).toEqual([]);
});

test('test titles are unique within their file', () => {
  expect(files.filter(({ path }) => path.endsWith('.test.ts')).flatMap(titleFaults)).toEqual([]);
});

test('every detector, action and job is registered', () => {
  expect(registryFaults(files)).toEqual([]);
});

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseUsageProfile } from '../../src/cli/demo/usage-profile.ts';
import { parseUsageEvent } from '../../src/domain/events/parse-event.ts';
import { scenarioAttacks, scenarioFiles } from '../support/demo-scenarios.ts';

const fixtures = new URL('../../fixtures/', import.meta.url);
const profile = parseUsageProfile(JSON.parse(readFileSync(new URL('usage-profile.json', fixtures), 'utf8')));
const files = scenarioFiles(profile);
const BYTES_MAX = 200_000;

describe('the scenario files', () => {
  // Rewrite them with: npx vitest run test/unit/demo-scenarios.test.ts --update
  it.each([...files])('%s is what the generator writes, and small', async (name, text) => {
    await expect(text).toMatchFileSnapshot(new URL(`scenarios/${name}`, fixtures).pathname);
    expect(Buffer.byteLength(text)).toBeLessThan(BYTES_MAX);
  });

  it.each([
    ['leaked-key', 'leaked_key'],
    ['slow-drain', 'slow_drain'],
    ['tampered-meter', 'tampered_meter'],
  ])('%s holds one attack, on an account of its file', (name, family) => {
    const [attack, ...others] = scenarioAttacks(profile, name);
    expect(others).toEqual([]);
    expect(attack?.family).toBe(family);
    expect(files.get(`${name}.ndjson`)).toContain(`"account":"${attack?.account}"`);
  });

  it('every event of the good scenarios passes intake', () => {
    for (const [name, text] of files) {
      if (!name.endsWith('.ndjson') || name.startsWith('bad')) continue;
      for (const line of text.trimEnd().split('\n')) {
        expect(parseUsageEvent(JSON.parse(line), false), line).toMatchObject({ ok: true });
      }
    }
  });

  it('bad-input lines that intake refuses are refused with the listed code, and no others', () => {
    const lines = (files.get('bad-input.ndjson') ?? '').split('\n');
    const expected = z
      .array(z.object({ line: z.number(), what: z.string(), status: z.string(), code: z.string().optional() }))
      .parse(JSON.parse(files.get('bad-input.expected.json') ?? ''));
    expect(expected).toHaveLength(lines.length - 1);
    for (const { line, what, status, code } of expected) {
      const text = lines[line - 1] ?? '';
      if (code === 'JOB_NOT_JSON') expect(() => JSON.parse(text)).toThrow();
      else if (text !== '') {
        const parsed = parseUsageEvent(JSON.parse(text), false);
        const found = parsed.ok ? 'accepted' : parsed.rejection.code;
        expect(found, what).toBe(status === 'rejected' ? code : 'accepted');
      }
    }
  });
});

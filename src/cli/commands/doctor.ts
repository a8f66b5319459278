import type { Command } from 'commander';
import { cleanText } from '../../domain/text/clean.ts';
import type { Finding } from '../../pipeline/doctor/finding.ts';
import type { CliContext } from '../context.ts';
import { withJson } from '../options.ts';
import { print } from '../output/print.ts';
import { count } from '../output/words.ts';

const MARKS = { ok: '✓', warn: '!', fail: '✗' } as const;

/** `doctor` */
export function registerDoctor(program: Command, context: CliContext): void {
  const command = program
    .command('doctor')
    .description('what is configured, reachable, migrated and healthy; exit 1 when something is wrong');
  withJson(command, ['tollkeeper doctor', 'tollkeeper doctor --json']).action(
    async ({ json }: { readonly json?: boolean }) => {
      const findings = await context.diagnose();
      const number = (status: Finding['status']) => findings.filter((finding) => finding.status === status).length;
      const failed = number('fail');
      print(context, json, {
        json: { ok: failed === 0, warnings: number('warn'), failures: failed, findings },
        text: [...byArea(findings), summary(failed, number('warn'))].join('\n'),
      });
      if (failed > 0) context.setExitCode(1);
    },
  );
}

function byArea(findings: readonly Finding[]): readonly string[] {
  const width = Math.max(0, ...findings.map(({ area }) => area.length));
  return findings.map(({ area, status, message, fix }) => {
    const line = `${MARKS[status]} ${area.padEnd(width)}  ${cleanText(message)}`;
    return fix === undefined ? line : `${line}\n  ${' '.repeat(width)}  Fix: ${cleanText(fix)}`;
  });
}

function summary(failed: number, warned: number): string {
  if (failed === 0 && warned === 0) return 'All is well.';
  const warnings = warned === 0 ? '' : `, ${count(warned, 'warning')}`;
  return failed === 0 ? `Works, with ${count(warned, 'warning')}.` : `${count(failed, 'problem')}${warnings}.`;
}

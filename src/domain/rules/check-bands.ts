import { type Band, severityOf } from './band.ts';
import type { YamlSource } from './yaml-source.ts';

const SCORE_MAX = 100;

/** Actions of a band as they are written: one that was refused still shows what was meant. */
interface WrittenBand {
  readonly actions: readonly { readonly kind: string; readonly hours?: unknown; readonly limit?: unknown }[];
}

/** Bands must tile 0–100 in ascending severity, freeze only where it is named, and tell somebody. */
export function checkBands(source: YamlSource, bands: readonly Band[], written: readonly WrittenBand[]): void {
  let expected = 0;
  for (const [index, band] of bands.entries()) {
    const at = ['bands', index];
    if (band.to < band.from) {
      source.report(
        [...at, 'to'],
        'RULE-LOGIC-009',
        `from ${band.from} to ${band.to} holds no score.`,
        'a to that is not below from',
      );
    } else if (index === 0 && band.from !== 0) {
      source.report([...at, 'from'], 'RULE-LOGIC-005', `Scores below ${band.from} have no outcome.`, 'from: 0');
    } else if (index > 0 && band.from > expected) {
      const gap = `${expected} to ${band.from - 1}`;
      source.report([...at, 'from'], 'RULE-LOGIC-001', `Scores ${gap} have no outcome.`, `from: ${expected}`);
    } else if (index > 0 && band.from < expected) {
      const message = `Scores ${band.from} to ${expected - 1} have two outcomes.`;
      source.report([...at, 'from'], 'RULE-LOGIC-002', message, `from: ${expected}`);
    }
    expected = band.to + 1;
    const previous = bands[index - 1];
    if (previous !== undefined && severityOf(band.outcome) <= severityOf(previous.outcome)) {
      const message = `${band.outcome} follows ${previous.outcome}; a higher score must be harsher.`;
      source.report([...at, 'outcome'], 'RULE-LOGIC-006', message, 'the order allow, watch, review, freeze, each once');
    }
    checkActions(source, band, { index, first: written[index]?.actions[0] });
  }
  if (expected <= SCORE_MAX) {
    const last = bands.length - 1;
    source.report(
      ['bands', last, 'to'],
      'RULE-LOGIC-005',
      `Scores ${expected} to ${SCORE_MAX} have no outcome.`,
      `to: ${SCORE_MAX}`,
    );
  }
}

function checkActions(
  source: YamlSource,
  band: Band,
  { index, first }: { readonly index: number; readonly first: WrittenBand['actions'][number] | undefined },
): void {
  const at = ['bands', index];
  const freezes = band.actions.some((action) => action.kind === 'freeze_wallet') || wasFreeze(first);
  if (band.outcome !== 'freeze' && band.actions.some((action) => action.kind === 'freeze_wallet')) {
    source.report(
      [...at, 'actions'],
      'RULE-SAFE-009',
      `freeze_wallet in the ${band.outcome} band.`,
      'move it to the freeze band',
    );
  }
  const unseen = band.actions.find(({ kind }) => kind === 'throttle_wallet' || kind === 'radar_review');
  if (severityOf(band.outcome) < severityOf('review') && unseen !== undefined) {
    const message = `${unseen.kind} in the ${band.outcome} band, where nobody looks.`;
    source.report([...at, 'actions'], 'RULE-SAFE-009', message, 'move it to the review or freeze band');
  }
  const isRefused = source.errors.some(({ code }) => code === 'RULE-SAFE-001' || code === 'RULE-SAFE-002');
  if (band.outcome === 'freeze' && !freezes && !isRefused) {
    const fix = 'add { kind: freeze_wallet, hours: 24 }';
    source.report(at, 'RULE-SAFE-009', 'The freeze band freezes nothing.', fix);
  }
  const tells = band.actions.some((action) => action.kind === 'notify');
  if ((band.outcome === 'review' || band.outcome === 'freeze') && !tells) {
    const message = `Nobody would know about a ${band.outcome}.`;
    source.report(at, 'RULE-SAFE-010', message, 'add { kind: notify, to: support }');
  }
}

/** Whether an action was written as a freeze, even when it was refused. */
function wasFreeze(action: WrittenBand['actions'][number] | undefined): boolean {
  return action?.hours !== undefined && action.limit === undefined && action.kind !== 'radar_review';
}

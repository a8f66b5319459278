import type { ExportScale } from './export-amount.ts';

/** Where the usage of one of our meters is exported to. */
export interface MeterTarget {
  readonly meter: string;
  /** The meter's event name at the receiving side. */
  readonly eventName: string;
  readonly scale: ExportScale;
}

/** By our meter's name. */
export type MeterTargets = ReadonlyMap<string, MeterTarget>;

const DECIMALS = 6;
const DECIMALS_MAX = 12;
const TARGET = /^([^=\s,]{1,200})=([A-Za-z0-9_.-]{1,100})(?:\/([1-9]\d{0,17}))?(?::(\d{1,2}))?$/;

/**
 * Reads `tokens=ai_tokens/1000:3, images=images`: our meter, the event name there, optionally how many of our units are one
 * there, and how many decimals a value has (6). Returns what is wrong as text.
 */
export function parseMeterTargets(text: string): MeterTargets | string {
  const targets = new Map<string, MeterTarget>();
  for (const part of text.split(',').map((item) => item.trim())) {
    if (part === '') continue;
    const [, meter = '', eventName = '', units = '1', decimalsText = String(DECIMALS)] = TARGET.exec(part) ?? [];
    const decimals = Number(decimalsText);
    if (meter === '') return `${JSON.stringify(part)} is not METER=EVENT_NAME, optionally with /UNITS and :DECIMALS`;
    if (decimals > DECIMALS_MAX) return `${JSON.stringify(part)} has more than ${DECIMALS_MAX} decimals`;
    if (targets.has(meter)) return `${JSON.stringify(meter)} stands twice`;
    const sharing = [...targets.values()].find((target) => target.eventName === eventName);
    // Two meters in one sum could not be held against the ledger apart.
    if (sharing !== undefined) return `${JSON.stringify(sharing.meter)} and ${JSON.stringify(meter)} go to one meter`;
    targets.set(meter, { meter, eventName, scale: { unitsPerValue: BigInt(units), decimals } });
  }
  return targets;
}

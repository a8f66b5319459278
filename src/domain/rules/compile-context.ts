import type { CompileContext } from '../detectors/detector.ts';
import type { FeatureUnit } from '../features/feature-unit.ts';
import { type Parsed, parseDuration, parseMoney, parsePercent } from './units.ts';
import type { YamlPath, YamlSource } from './yaml-source.ts';

/** Lets a detector report problems under `base` (`detect`) of a file, and read units the way every file does. */
export function createCompileContext(source: YamlSource, base: YamlPath, unit: FeatureUnit): CompileContext {
  return {
    unit,
    report: (path, code, message, fix) => source.report([...base, ...path], code, message, fix),
    warn: (path, code, message, fix) => source.warn([...base, ...path], code, message, fix),
    duration: (path, text) => take(source, [...base, ...path], parseDuration(text)),
    percent: (path, text) => take(source, [...base, ...path], parsePercent(text)),
    amount: (path, value) => readAmount(source, [...base, ...path], value, unit),
  };
}

/** The parsed value, or undefined after reporting what is wrong with it. */
export function take<T>(source: YamlSource, at: YamlPath, parsed: Parsed<T>): T | undefined {
  if (parsed.ok) return parsed.value;
  source.report(at, parsed.code, parsed.message, parsed.fix);
  return undefined;
}

function readAmount(source: YamlSource, at: YamlPath, value: string | number, unit: FeatureUnit): number | undefined {
  if (unit.kind === 'money') {
    // The text form of a number is enough to say what is wrong with it.
    const nanos = take(source, at, parseMoney(String(value), unit.currency));
    return nanos === undefined ? undefined : Number(nanos);
  }
  if (typeof value === 'string') {
    const message = `${JSON.stringify(value)}, but the feature counts ${unit.name === 'count' ? 'events' : `${unit.name}s`}.`;
    source.report(at, 'RULE-UNIT-005', message, 'a plain number');
    return undefined;
  }
  if (value < 0) {
    source.report(at, 'RULE-UNIT-010', `${value} is negative.`, 'a number of zero or more');
    return undefined;
  }
  return value;
}

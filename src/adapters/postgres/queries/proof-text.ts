import { formatDecimal } from '../../../domain/money/nanos.ts';

/** A count as people read it: `396,112`. */
export function counted(value: bigint | number): string {
  return value.toLocaleString('en-US');
}

/** An exact amount as people read it, every decimal of it: `6,158.5099186`. */
export function exactAmount(nanos: bigint): string {
  const [whole = '', fraction] = formatDecimal(nanos).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

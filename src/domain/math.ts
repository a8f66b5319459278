/**
 * Logarithm and exponential from + − × ÷ only. `Math.log` and `Math.exp` are allowed to differ between engine versions,
 * and a decision that is replayed next year must give the same bytes; IEEE 754 fixes the four operations and sqrt.
 * Both follow the fdlibm scheme (Sun Microsystems, e_log.c and e_exp.c): reduce to a small interval, then a polynomial.
 */
const bits = new DataView(new ArrayBuffer(8));

const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
const INVERSE_LN2 = Math.LOG2E;
const SQRT_HALF_MANTISSA_HIGH_WORD = 0x6a09f;

/** Natural logarithm; relative error below 1e-15. `log(0)` is −Infinity, of a negative number NaN. */
export function log(x: number): number {
  if (!(x > 0)) return x === 0 ? Number.NEGATIVE_INFINITY : Number.NaN;
  if (x === Number.POSITIVE_INFINITY) return x;

  // Subnormals have no implicit leading bit; scaling by 2^54 makes them normal.
  let exponent = 0;
  let value = x;
  if (value < 2.2250738585072014e-308) {
    value *= 18014398509481984;
    exponent = -54;
  }
  bits.setFloat64(0, value);
  const high = bits.getUint32(0);
  exponent += (high >>> 20) - 1023;
  const mantissaHigh = high & 0xfffff;
  // Keep the reduced argument in [√½, √2) so that f below stays small on both sides of 1.
  const aboveSqrt2 = mantissaHigh >= SQRT_HALF_MANTISSA_HIGH_WORD;
  bits.setUint32(0, mantissaHigh | ((aboveSqrt2 ? 1022 : 1023) << 20));
  if (aboveSqrt2) exponent += 1;

  const f = bits.getFloat64(0) - 1;
  const s = f / (2 + f);
  const z = s * s;
  const series =
    z *
    (0.6666666666666735 +
      z *
        (0.3999999999940942 +
          z *
            (0.2857142874366239 +
              z *
                (0.22222198432149784 +
                  z * (0.1818357216161805 + z * (0.15313837699209373 + z * 0.14798198605116586))))));
  const half = 0.5 * f * f;
  return exponent * LN2_HIGH - (half - (s * (half + series) + exponent * LN2_LOW) - f);
}

/** e to the x; relative error below 1e-15. Overflows to Infinity and underflows to 0 as `Math.exp` does. */
export function exp(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x > 709.782712893384) return Number.POSITIVE_INFINITY;
  if (x < -745.1332191019411) return 0;

  const k = Math.floor(x * INVERSE_LN2 + 0.5);
  const high = x - k * LN2_HIGH;
  const low = k * LN2_LOW;
  const r = high - low;
  const t = r * r;
  const c =
    r -
    t *
      (0.16666666666666602 +
        t *
          (-0.0027777777777015593 +
            t * (6.613756321437934e-5 + t * (-1.6533902205465252e-6 + t * 4.1381367970572385e-8))));
  const y = 1 - (low - (r * c) / (2 - c) - high);
  return scaleByPowerOfTwo(y, k);
}

/** What is left after `elapsed` when half is gone after every `halfLife`. */
export function halved(elapsed: number, halfLife: number): number {
  return exp((-Math.LN2 * elapsed) / halfLife);
}

function scaleByPowerOfTwo(y: number, k: number): number {
  if (k >= -1021 && k <= 1023) return y * powerOfTwo(k);
  // Two steps, because 2^k itself is not a normal double here.
  return k > 0 ? y * 2 * powerOfTwo(k - 1) : y * powerOfTwo(k + 54) * 5.551115123125783e-17;
}

function powerOfTwo(k: number): number {
  bits.setUint32(0, (k + 1023) << 20);
  bits.setUint32(4, 0);
  return bits.getFloat64(0);
}

// Above this, doubles are coarser than 1e-6: whole numbers are the finest step that is exact for all of them.
const FRACTION_MAX = 9_007_199_254;

/**
 * Rounds to 1e-6, the precision at which detector values are compared and stored; values above nine billion (nano-units
 * of nine dollars) to whole numbers.
 */
export function round6(x: number): number {
  if (!(Math.abs(x) < FRACTION_MAX)) return Math.round(x);
  // `+ 0` turns −0 into 0, which encodes differently and would break byte-for-byte replay.
  return Math.round(x * 1e6) / 1e6 + 0;
}

import { exp } from '../math.ts';
import type { LocalTime } from './local-time.ts';
import { type CrowdTries, RETRY_FEATURES, type RetryFeature } from './retry-features.ts';

const SIZE = RETRY_FEATURES.length;

/**
 * What is believed of retries: a Bayesian logistic regression with a prior, updated with every payment that ends. Plain
 * numbers, so that it can be stored and shown.
 */
export interface RetryModel {
  /** One weight per feature, on the scale of log-odds. */
  readonly weights: Float64Array;
  /** Covariance of the weights, row by row. */
  readonly covariance: Float64Array;
  readonly crowd: CrowdTries;
  /** Payments learned from. */
  readonly learned: number;
}

// What a sensible person would expect before any data: a payer's own good hours count, being active helps a little, office
// hours and pay days help a little. The spread says how readily data may change the mind.
const PRIOR: Readonly<Record<RetryFeature, readonly [mean: number, spread: number]>> = {
  base: [-0.7, 1],
  own_level: [0.8, 0.4],
  own_hours: [1.2, 0.5],
  own_activity: [0.6, 0.6],
  activity: [0.3, 0.5],
  active_hours: [0.2, 0.5],
  others_hours: [0.5, 0.5],
  others_weekdays: [0.5, 0.5],
  office_hours: [0.2, 0.5],
  pay_day: [0.4, 0.5],
};

/** The model before any payment. */
export function priorModel(): RetryModel {
  const covariance = new Float64Array(SIZE * SIZE);
  RETRY_FEATURES.forEach((feature, index) => {
    covariance[index * SIZE + index] = PRIOR[feature][1] ** 2;
  });
  const crowd = {
    hourTries: new Float64Array(24),
    hourSuccesses: new Float64Array(24),
    weekdayTries: new Float64Array(7),
    weekdaySuccesses: new Float64Array(7),
  };
  return { weights: Float64Array.from(RETRY_FEATURES, (feature) => PRIOR[feature][0]), covariance, crowd, learned: 0 };
}

/** Probability that a payment goes through, from the features of its hour. */
export function probabilityOf({ weights }: Pick<RetryModel, 'weights'>, features: Float64Array): number {
  let odds = 0;
  for (let index = 0; index < SIZE; index++) odds += (weights[index] ?? 0) * (features[index] ?? 0);
  return 1 / (1 + exp(-odds));
}

/**
 * The model after one payment. One step of assumed-density filtering: the logistic likelihood is made Gaussian at the
 * present weights, which keeps the posterior Gaussian (Bishop, Pattern Recognition and Machine Learning, 4.5 and 10.7;
 * the extended Kalman filter of logistic regression).
 *
 * @param features of the hour, computed before the payment's end was known
 */
export function learn(model: RetryModel, features: Float64Array, local: LocalTime, succeeded: boolean): RetryModel {
  const expected = probabilityOf(model, features);
  const spread = new Float64Array(SIZE);
  let variance = 0;
  for (let row = 0; row < SIZE; row++) {
    let value = 0;
    for (let column = 0; column < SIZE; column++)
      value += (model.covariance[row * SIZE + column] ?? 0) * (features[column] ?? 0);
    spread[row] = value;
    variance += value * (features[row] ?? 0);
  }
  const slope = expected * (1 - expected);
  const surprise = ((succeeded ? 1 : 0) - expected) / (1 + slope * variance);
  const shrink = slope / (1 + slope * variance);
  const covariance = Float64Array.from(
    model.covariance,
    (value, at) => value - shrink * (spread[Math.floor(at / SIZE)] ?? 0) * (spread[at % SIZE] ?? 0),
  );
  const weights = Float64Array.from(model.weights, (value, at) => value + surprise * (spread[at] ?? 0));
  return { weights, covariance, crowd: addTry(model.crowd, local, succeeded), learned: model.learned + 1 };
}

function addTry(crowd: CrowdTries, { hour, weekday }: LocalTime, succeeded: boolean): CrowdTries {
  const one = succeeded ? 1 : 0;
  return {
    hourTries: plus(crowd.hourTries, hour, 1),
    hourSuccesses: plus(crowd.hourSuccesses, hour, one),
    weekdayTries: plus(crowd.weekdayTries, weekday, 1),
    weekdaySuccesses: plus(crowd.weekdaySuccesses, weekday, one),
  };
}

function plus(values: Float64Array, index: number, value: number): Float64Array {
  const copy = Float64Array.from(values);
  copy[index] = (copy[index] ?? 0) + value;
  return copy;
}

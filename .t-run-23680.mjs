import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
// src/domain/series/channel.ts
/** Beyond this a score says nothing more; the first change of a constant series would be infinite. */
const Z_MAX = 1e3;
// src/domain/series/typical-error.ts
/** An error counts as at most this many typical ones when it is learned. */
const CLIP = 6;
const WARM_UP = 20;
const NORMAL_CONSISTENCY = 1.2533141373155003;
/** Nothing learned yet. */
function startError() {
	return {
		mean: 0,
		count: 0
	};
}
/** The error in standard deviations, 0 to `Z_MAX`; 0 until twenty errors are known. */
function errorZ(state, error, spread, { floorShare }) {
	if (state.count < WARM_UP) return 0;
	const unit = Math.max(state.mean, floorShare * spread) * NORMAL_CONSISTENCY;
	const size = Math.abs(error);
	if (!(size > 0)) return 0;
	return size < unit * 1e3 ? size / unit : Z_MAX;
}
/** Learns one error; what exceeds six typical ones counts as six. */
function learnError(state, error, spread, settings) {
	const limit = errorLimit(state, spread, settings);
	const size = Math.min(Math.abs(error), limit);
	state.count++;
	state.mean += Math.max(settings.rate, 1 / state.count) * (size - state.mean);
}
/** The largest error that is learned whole: beyond it an outlier is assumed. */
function errorLimit({ mean, count }, spread, { floorShare }) {
	return count < WARM_UP ? Number.MAX_VALUE : CLIP * Math.max(mean, floorShare * spread);
}
/** Half the band that ordinary rows stay in, in standard deviations. */
const BAND_DEVIATIONS = 4;
/** Half the width of the band around an expected value. */
function typicalBand({ mean, count }, spread) {
	return BAND_DEVIATIONS * (count < WARM_UP ? spread : mean * NORMAL_CONSISTENCY);
}
// src/domain/series/autoregression.ts
const AUTOREGRESSION = {
	memory: .9995,
	rate: .002,
	floorShare: .03
};
const LAGS = 5;
const TERMS = 6;
const COVARIANCE_START = 100;
/** Without a bound the covariance of a series that stands still grows for ever, and its first move ruins the weights. */
const TRACE_MAX = 1e4;
/**
* The next value predicted from the five before it by recursive least squares with forgetting (Haykin, Adaptive Filter
* Theory, ch. 10); the score is the error of the prediction. Errors of outliers are clipped before they move the weights.
*/
function autoregression(settings = AUTOREGRESSION) {
	return {
		kind: "autoregression",
		start: startAutoregression,
		score(state, point) {
			if (state.lags.length < LAGS) return 0;
			return errorZ(state.error, point.value - predictNext(state, point), point.spread, settings);
		},
		learn(state, point) {
			const { lags } = state;
			if (lags.length === LAGS) {
				const error = point.value - predictNext(state, point);
				const limit = errorLimit(state.error, point.spread, settings);
				update(state, point, Math.max(-limit, Math.min(limit, error)), settings.memory);
				learnError(state.error, error, point.spread, settings);
				lags.pop();
			}
			lags.unshift(point.value);
		}
	};
}
function startAutoregression() {
	const covariance = new Array(36).fill(0);
	for (let term = 0; term < TERMS; term++) covariance[term * TERMS + term] = COVARIANCE_START;
	const weights = new Array(TERMS).fill(0);
	weights[0] = 1;
	return {
		weights,
		covariance,
		lags: [],
		error: startError()
	};
}
/** What the next value is expected to be; the last one while fewer than five are known. */
function predictNext({ weights, lags }, { level, spread }) {
	if (lags.length < LAGS) return lags[0] ?? level;
	let sum = weights[LAGS] ?? 0;
	for (let lag = 0; lag < LAGS; lag++) sum += (weights[lag] ?? 0) * (((lags[lag] ?? 0) - level) / spread);
	return level + spread * sum;
}
const terms = new Float64Array(TERMS);
const gain = new Float64Array(TERMS);
function update(state, { level, spread }, error, memory) {
	const { weights, covariance, lags } = state;
	for (let lag = 0; lag < LAGS; lag++) terms[lag] = ((lags[lag] ?? 0) - level) / spread;
	terms[LAGS] = 1;
	let total = memory;
	for (let row = 0; row < TERMS; row++) {
		let sum = 0;
		for (let column = 0; column < TERMS; column++) sum += (covariance[row * TERMS + column] ?? 0) * (terms[column] ?? 0);
		gain[row] = sum;
		total += sum * (terms[row] ?? 0);
	}
	const scaled = error / spread;
	let trace = 0;
	for (let row = 0; row < TERMS; row++) {
		weights[row] = (weights[row] ?? 0) + (gain[row] ?? 0) * scaled / total;
		for (let column = 0; column < TERMS; column++) {
			const at = row * TERMS + column;
			covariance[at] = ((covariance[at] ?? 0) - (gain[row] ?? 0) * (gain[column] ?? 0) / total) / memory;
		}
		trace += covariance[row * TERMS + row] ?? 0;
	}
	if (trace > TRACE_MAX) for (let at = 0; at < covariance.length; at++) covariance[at] = (covariance[at] ?? 0) * TRACE_MAX / trace;
}
// src/domain/series/difference.ts
const DIFFERENCE = {
	rate: .002,
	floorShare: .03
};
/** The step from the row before, in typical steps: sees a spike or a drop in the row where it happens. */
function difference(settings = DIFFERENCE) {
	return {
		kind: "difference",
		start: () => ({
			last: null,
			error: startError()
		}),
		score: ({ last, error }, { value, spread }) => last === null ? 0 : errorZ(error, value - last, spread, settings),
		learn(state, { value, spread }) {
			if (state.last !== null) learnError(state.error, value - state.last, spread, settings);
			state.last = value;
		}
	};
}
// src/domain/series/level-shift.ts
const LEVEL_SHIFT = {
	rate: 5e-4,
	floorShare: .03,
	quick: .15,
	steady: .01
};
const WARM_UP_ROWS$3 = 60;
/** How far the mean of the last rows has left the mean of the last hours: sees a new level that no single row gives away. */
function levelShift(settings = LEVEL_SHIFT) {
	const quickNext = ({ rows, quick }, value) => rows === 0 ? value : quick + settings.quick * (value - quick);
	return {
		kind: "level_shift",
		start: () => ({
			rows: 0,
			quick: 0,
			steady: 0,
			error: startError()
		}),
		score(state, { value, spread }) {
			if (state.rows < WARM_UP_ROWS$3) return 0;
			return errorZ(state.error, quickNext(state, value) - state.steady, spread, settings);
		},
		learn(state, { value, spread }) {
			state.quick = quickNext(state, value);
			if (state.rows >= WARM_UP_ROWS$3) learnError(state.error, state.quick - state.steady, spread, settings);
			state.rows++;
			state.steady += Math.max(settings.steady, 1 / state.rows) * (value - state.steady);
		}
	};
}
// src/domain/series/rarity-table.ts
/**
* Turns a value into −log10 of how often ordinary rows reach it. Entry r of the table is the value that one ordinary row in
* 10^r reaches; between entries it is a straight line, beyond the last it goes on as steeply as before.
*/
function rarityByTable(table, value) {
	let rarity = 1;
	while (rarity < table.length - 1 && value > (table[rarity] ?? 0)) rarity++;
	const from = table[rarity - 1] ?? 0;
	const to = table[rarity] ?? from;
	return rarity - 1 + (value - from) / (to - from);
}
// src/domain/time.ts
/** Milliseconds in the units the product speaks of. Buckets and windows are UTC. */
const SECOND_MS = 1e3;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
// src/domain/series/series-clock.ts
/** How many steps between rows are looked at before the interval is settled. */
const STEPS_LEARNED = 12;
/** Shorter intervals share a slot: a week of slots must stay small. */
const SLOT_MS_MIN = MINUTE_MS;
/** A day must have this many intervals to be worth comparing; with fewer the week is the period. */
const SLOTS_PER_PERIOD_MIN = 4;
/** Nothing known yet. */
function startClock() {
	return {
		stepMs: 0,
		intervalMs: 0,
		slotsPerPeriod: 0,
		lastMs: null,
		slot: 0,
		steps: [],
		originMs: 0
	};
}
/**
* Moves the clock to a row's time. Time that repeats or goes back leaves it where it is: such rows are judged in row
* order, in the interval of the latest row.
*/
function advanceClock(clock, atMs) {
	const { lastMs } = clock;
	if (lastMs === null) {
		clock.lastMs = atMs;
		clock.originMs = atMs;
		return "later";
	}
	if (atMs <= lastMs) return atMs === lastMs ? "repeated" : "backward";
	if (clock.intervalMs === 0) {
		clock.steps.push(atMs - lastMs);
		clock.slot++;
		if (clock.steps.length === STEPS_LEARNED) settle(clock, atMs);
	} else clock.slot = Math.round((atMs - clock.originMs) / clock.intervalMs);
	clock.lastMs = atMs;
	return "later";
}
function settle(clock, atMs) {
	clock.stepMs = clock.steps.toSorted((left, right) => left - right)[6] ?? SLOT_MS_MIN;
	clock.intervalMs = Math.max(SLOT_MS_MIN, clock.stepMs);
	clock.steps.length = 0;
	clock.originMs = atMs;
	clock.slot = 0;
	const perDay = DAY_MS / clock.intervalMs;
	const perWeek = perDay * 7;
	clock.slotsPerPeriod = perDay >= SLOTS_PER_PERIOD_MIN ? perDay : perWeek >= SLOTS_PER_PERIOD_MIN ? perWeek : 0;
}
// src/domain/series/series-size.ts
const RATE = 5e-4;
const WARM_UP_ROWS$2 = 50;
/** A value further off than this many spreads is taken as this far. */
const CLIP_SPREADS = 6;
/** No spread is below this share of the level: the rest is rounding of the arithmetic. */
const SPREAD_SHARE_MIN = 1e-9;
const SPREAD_MIN = 1e-150;
/** Nothing known yet. */
function startSize() {
	return {
		rows: 0,
		level: 0,
		variance: 0
	};
}
/** The spread, above zero. */
function spreadOf({ level, variance }) {
	return Math.max(Math.sqrt(variance), Math.abs(level) * SPREAD_SHARE_MIN, SPREAD_MIN);
}
/** Learns one value. */
function learnSize(size, value) {
	if (size.rows === 0) size.level = value;
	const spread = spreadOf(size);
	const isConstant = size.variance <= spread * spread * .999999999;
	const limit = size.rows < WARM_UP_ROWS$2 || isConstant ? Number.MAX_VALUE : CLIP_SPREADS * spread;
	const off = Math.max(-limit, Math.min(limit, value - size.level));
	size.rows++;
	const rate = Math.max(RATE, 1 / size.rows);
	size.level += rate * off;
	size.variance = (1 - rate) * size.variance + rate * off * off;
}
// src/domain/series/shared-state.ts
/** Nothing known yet. */
function startShared() {
	return {
		clock: startClock(),
		size: startSize()
	};
}
/** A row as channels see it. */
function pointOf({ clock, size }, { atMs, value }) {
	if (atMs === void 0) clock.slot++;
	else advanceClock(clock, atMs);
	const level = size.rows === 0 ? value : size.level;
	return {
		value,
		slot: clock.slot,
		slotsPerPeriod: clock.slotsPerPeriod,
		level,
		spread: spreadOf(size)
	};
}
/** Learns the row after every channel has judged it. */
function learnShared({ size }, value) {
	learnSize(size, value);
}
// src/domain/series/clock-ring.ts
/** How many periods back a value is looked for: yesterday, the days before, and the same day of last week. */
const PERIODS_BACK = [
	1,
	2,
	3,
	7
];
const PERIODS_KEPT = 7;
function startRing() {
	return {
		size: 0,
		slots: [],
		values: []
	};
}
/** The value of an interval, or undefined when it was missing or is too long ago. */
function valueAt({ size, slots, values }, slot) {
	if (slot < 0 || size === 0) return void 0;
	const place = slot % size;
	return slots[place] === slot ? values[place] : void 0;
}
/** Remembers the value of an interval; a later row of the same interval replaces it. */
function keepValue(ring, { slot, value, slotsPerPeriod }) {
	if (slotsPerPeriod === 0) return;
	if (ring.size === 0) {
		ring.size = Math.round(PERIODS_KEPT * slotsPerPeriod) + 1 + 2;
		for (let place = 0; place < ring.size; place++) {
			ring.slots.push(-1);
			ring.values.push(0);
		}
	}
	const place = slot % ring.size;
	ring.slots[place] = slot;
	ring.values[place] = value;
}
/**
* Signed distance to the nearest value at the same clock time, one, two, three and seven periods back, a neighbour
* either side; undefined when none of them is known.
*/
function nearestDistance(ring, { slot, value, slotsPerPeriod }) {
	if (ring.size === 0) return void 0;
	let nearest;
	let size = Number.POSITIVE_INFINITY;
	for (const periods of PERIODS_BACK) {
		const back = slot - Math.round(periods * slotsPerPeriod);
		if (back + 1 < 0) break;
		for (let near = back - 1; near <= back + 1; near++) {
			const other = valueAt(ring, near);
			if (other === void 0) continue;
			const distance = value - other;
			if (Math.abs(distance) < size) {
				size = Math.abs(distance);
				nearest = distance;
			}
		}
	}
	return nearest;
}
/** Median of the values at the same clock time of earlier periods; undefined when none is known. */
function sameClockMedian(ring, { slot, slotsPerPeriod }) {
	const known = [];
	for (const periods of PERIODS_BACK) {
		const value = valueAt(ring, slot - Math.round(periods * slotsPerPeriod));
		if (value !== void 0) known.push(value);
	}
	if (known.length === 0) return void 0;
	known.sort((left, right) => left - right);
	const middle = known.length >> 1;
	const upper = known[middle] ?? 0;
	return known.length % 2 === 1 ? upper : ((known[middle - 1] ?? upper) + upper) / 2;
}
// src/domain/series/smoothed-day.ts
const SMOOTHED_DAY = {
	rate: 5e-4,
	floorShare: .03,
	smoothing: .5,
	clip: 15
};
/** A fifth of a day of distances must be known: right after the first day they are those of one hour. */
const WARM_UP_PERIODS = .2;
/** Smoothing halves an error of noise; the floor follows it. */
const SMOOTHED_FLOOR_SHARE = .5;
/**
* Distance to the nearest value at the same clock time of earlier days, smoothed: judges what repeats daily without a model
* of it. One odd row weighs half of what two or three in succession do.
*/
function smoothedDay(settings = SMOOTHED_DAY) {
	const { smoothing, clip, floorShare } = settings;
	const smooth = ({ raw, smoothed }, distance, spread) => {
		const limit = raw.count === 0 ? Number.MAX_VALUE : clip * Math.max(raw.mean, floorShare * spread);
		return smoothed + smoothing * (Math.max(-limit, Math.min(limit, distance)) - smoothed);
	};
	const floorOf = ({ spread }) => SMOOTHED_FLOOR_SHARE * spread;
	return {
		kind: "smoothed_day",
		start: () => ({
			ring: startRing(),
			raw: startError(),
			error: startError(),
			smoothed: 0
		}),
		score(state, point) {
			if (state.error.count < WARM_UP_PERIODS * point.slotsPerPeriod) return 0;
			const distance = nearestDistance(state.ring, point);
			if (distance === void 0) return 0;
			return errorZ(state.error, smooth(state, distance, point.spread), floorOf(point), settings);
		},
		learn(state, point) {
			const distance = nearestDistance(state.ring, point);
			if (distance !== void 0) {
				state.smoothed = smooth(state, distance, point.spread);
				learnError(state.raw, distance, point.spread, settings);
				learnError(state.error, state.smoothed, floorOf(point), settings);
			}
			keepValue(state.ring, point);
		}
	};
}
// src/domain/series/tail-quantile.ts
const MIN = .5;
const STEP_SHARE = .01;
const STEP_MIN = 5e-4;
/**
* Learns one value (Robbins and Monro 1951, with steps in proportion to the quantile). In balance a share `1 − quantile`
* of the values lies above. One value moves it by at most a hundredth, however large it is.
*/
function learnQuantile(state, value, quantile) {
	const step = STEP_SHARE * state.value + STEP_MIN;
	state.value = Math.max(MIN, state.value + (value > state.value ? step * quantile : -step * (1 - quantile)));
}
// src/domain/series/fast.ts
const FAST = {
	cap: 10,
	quantile: .985,
	steadying: 4,
	echoRows: 10,
	echo: .3
};
/** An alarm may come a few rows late: distances to other days are smoothed over about three rows. */
const FAST_DAY = {
	...SMOOTHED_DAY,
	smoothing: .3,
	clip: 10
};
/** The mean of about three rows beside that of about fifteen: a step that noise hides in each row by itself. */
const FAST_LEVEL = {
	...LEVEL_SHIFT,
	quick: .35,
	steady: .07
};
/** The channels as they are shipped. */
function fastChannels() {
	return {
		difference: difference(),
		autoregression: autoregression(),
		smoothedDay: smoothedDay(FAST_DAY),
		levelShift: levelShift(FAST_LEVEL)
	};
}
/** For latency and other signals where minutes count: judges every row by itself, in that row. */
function fastDetector(saved, settings = FAST, channels = fastChannels()) {
	const state = saved ?? {
		shared: startShared(),
		difference: channels.difference.start(),
		autoregression: channels.autoregression.start(),
		smoothedDay: channels.smoothedDay.start(),
		levelShift: channels.levelShift.start(),
		tail: { value: settings.steadying },
		recent: []
	};
	return {
		state,
		next: (row) => judge$1(state, row, settings, channels)
	};
}
function judge$1(state, row, settings, channels) {
	const { shared, tail, recent } = state;
	const { cap, quantile, steadying, echoRows, echo } = settings;
	const isFirst = shared.size.rows === 0;
	const point = pointOf(shared, row);
	const sum = Math.min(cap, channels.difference.score(state.difference, point)) + Math.min(cap, channels.autoregression.score(state.autoregression, point)) + Math.min(cap, channels.smoothedDay.score(state.smoothedDay, point)) + Math.min(cap, channels.levelShift.score(state.levelShift, point));
	const relative = sum / (tail.value + steadying);
	let highest = 0;
	for (const earlier of recent) highest = Math.max(highest, earlier);
	const heard = relative > highest ? relative : relative * echo;
	const expected = predictNext(state.autoregression, point);
	const half = typicalBand(state.autoregression.error, point.spread);
	recent.push(relative);
	if (recent.length > echoRows) recent.shift();
	learnQuantile(tail, sum, quantile);
	channels.difference.learn(state.difference, point);
	channels.autoregression.learn(state.autoregression, point);
	channels.smoothedDay.learn(state.smoothedDay, point);
	channels.levelShift.learn(state.levelShift, point);
	learnShared(shared, row.value);
	const rarity = fastRarity(heard);
	if (isFirst) return {
		rarity,
		expected: null,
		lower: null,
		upper: null
	};
	return {
		rarity,
		expected,
		lower: expected - half,
		upper: expected + half
	};
}
/** Sums, in units of the tail, that this share of ordinary rows reaches, as −log10: measured by `npm run trial`, see docs/detect.md. */
const RARITY_OF_SUM = [
	0,
	.17,
	.65,
	1.11,
	1.72,
	2.44
];
/** The rarity of a sum: by the table, and beyond it with the slope of its end. */
function fastRarity(relative) {
	return rarityByTable(RARITY_OF_SUM, relative);
}
// src/domain/series/flat-line.ts
const FLAT_LINE = { times: 1.5 };
/** Runs up to this length are usual in any series of counts. */
const RUN_USUAL = 10;
/** A series that has hardly ever moved is a constant, not a meter that hangs. */
const CHANGES_MIN = 100;
/** 1 while a series that keeps moving repeats one value for longer than it ever did: a meter that hangs. */
function flatLine({ times } = FLAT_LINE) {
	return {
		kind: "flat_line",
		start: () => ({
			last: null,
			run: 0,
			longest: RUN_USUAL,
			changes: 0
		}),
		score: ({ last, run, longest, changes }, { value }) => changes >= CHANGES_MIN && value === last && run + 1 > longest * times ? 1 : 0,
		learn(state, { value }) {
			if (value === state.last) {
				state.run++;
				return;
			}
			state.longest = Math.max(state.longest, state.run);
			state.run = 0;
			state.changes++;
			state.last = value;
		}
	};
}
// src/domain/series/incident-gate.ts
const INCIDENT_GATE = {
	quietRows: 150,
	sameRows: 30,
	rise: 1.07
};
/** Nothing passed yet. */
function startGate() {
	return {
		row: 0,
		passedRow: 0,
		passedScore: 0
	};
}
/**
* Whether a score is news: higher than every one that passed in the last `quietRows` rows. It knows no threshold, so a
* threshold may be chosen afterwards: whatever it is, an incident exceeds it once or a few times, not in every row.
*/
function passGate(gate, score, { quietRows, sameRows, rise }) {
	gate.row++;
	const ago = gate.row - gate.passedRow;
	if (score <= (ago > quietRows ? 0 : gate.passedScore * (ago <= sameRows ? rise : 1))) return false;
	gate.passedRow = gate.row;
	gate.passedScore = score;
	return true;
}
// src/domain/math.ts
/**
* Logarithm and exponential from + − × ÷ only. `Math.log` and `Math.exp` are allowed to differ between engine versions,
* and a decision that is replayed next year must give the same bytes; IEEE 754 fixes the four operations and sqrt.
* Both follow the fdlibm scheme (Sun Microsystems, e_log.c and e_exp.c): reduce to a small interval, then a polynomial.
*/
const bits = /* @__PURE__ */ new DataView(/* @__PURE__ */ new ArrayBuffer(8));
const LN2_HIGH = .6931471803691238;
const LN2_LOW = 19082149292705877e-26;
const SQRT_HALF_MANTISSA_HIGH_WORD = 434335;
/** Natural logarithm; relative error below 1e-15. `log(0)` is −Infinity, of a negative number NaN. */
function log(x) {
	if (!(x > 0)) return x === 0 ? Number.NEGATIVE_INFINITY : NaN;
	if (x === Number.POSITIVE_INFINITY) return x;
	let exponent = 0;
	let value = x;
	if (value < 22250738585072014e-324) {
		value *= 0x40000000000000;
		exponent = -54;
	}
	bits.setFloat64(0, value);
	const high = bits.getUint32(0);
	exponent += (high >>> 20) - 1023;
	const mantissaHigh = high & 1048575;
	const aboveSqrt2 = mantissaHigh >= SQRT_HALF_MANTISSA_HIGH_WORD;
	bits.setUint32(0, mantissaHigh | (aboveSqrt2 ? 1022 : 1023) << 20);
	if (aboveSqrt2) exponent += 1;
	const f = bits.getFloat64(0) - 1;
	const s = f / (2 + f);
	const z = s * s;
	const series = z * (.6666666666666735 + z * (.3999999999940942 + z * (.2857142874366239 + z * (.22222198432149784 + z * (.1818357216161805 + z * (.15313837699209373 + z * .14798198605116586))))));
	const half = .5 * f * f;
	return exponent * LN2_HIGH - (half - (s * (half + series) + exponent * LN2_LOW) - f);
}
// src/domain/series/usual-maximum.ts
const USUAL_MAXIMUM = {
	stretchRows: 240,
	priorMean: 1.386,
	priorDeviation: .4,
	priorWeight: 4,
	deviationFloor: .5
};
/** A maximum further above the mean than this many deviations is learned as this far: an incident is not the usual. */
const CLIP_DEVIATIONS = 3;
/** Scores below this are all alike: a series that is predicted exactly must not make noise look like a signal. */
const SCORE_MIN = .5;
/** Where the scale has its zero: this many deviations below the usual maximum of a stretch. */
const ZERO_DEVIATIONS = 2;
/** Nothing learned yet. */
function startMaximum({ priorMean, priorDeviation, priorWeight }) {
	return {
		mean: priorMean,
		variance: priorDeviation * priorDeviation,
		weight: priorWeight,
		highest: 0,
		rows: 0
	};
}
/**
* A channel's score on a scale that all channels and series share: 2 is what it reaches in a usual stretch of rows, 3 is one
* deviation of the logarithm more. Block maxima, because alerts are counted per stretch of time and tails differ: what is
* ten typical errors in a smooth series happens every hour in a ragged one.
*/
function aboveUsual({ mean, variance }, score, settings) {
	if (score <= SCORE_MIN) return 0;
	const deviations = (log(score) - mean) / (settings.deviationFloor + Math.sqrt(variance));
	return Math.max(0, deviations + ZERO_DEVIATIONS);
}
/** Learns one score. */
function learnMaximum(state, score, settings) {
	state.highest = Math.max(state.highest, score);
	state.rows++;
	if (state.rows < settings.stretchRows) return;
	const limit = state.mean + CLIP_DEVIATIONS * (settings.deviationFloor + Math.sqrt(state.variance));
	const off = Math.min(log(Math.max(state.highest, SCORE_MIN)), limit) - state.mean;
	state.weight++;
	state.mean += off / state.weight;
	state.variance += (off * off * (1 - 1 / state.weight) - state.variance) / state.weight;
	state.highest = 0;
	state.rows = 0;
}
// src/domain/series/value-range.ts
const VALUE_RANGE = { tolerance: .02 };
const WARM_UP_ROWS$1 = 50;
/** How far a value lies outside everything seen so far, in whole ranges. */
function valueRange({ tolerance } = VALUE_RANGE) {
	return {
		kind: "value_range",
		start: () => ({
			rows: 0,
			min: 0,
			max: 0
		}),
		score({ rows, min, max }, { value, spread }) {
			if (rows < WARM_UP_ROWS$1) return 0;
			const beyond = Math.max(value - max, min - value) / Math.max(max - min, spread);
			return beyond > tolerance ? beyond : 0;
		},
		learn(state, { value }) {
			state.min = state.rows === 0 ? value : Math.min(state.min, value);
			state.max = state.rows === 0 ? value : Math.max(state.max, value);
			state.rows++;
		}
	};
}
// src/domain/series/volatility.ts
const VOLATILITY = {
	rate: 5e-4,
	floorShare: .001,
	quick: .05,
	steady: .002
};
const WARM_UP_ROWS = 100;
/** A step counts as at most this many spreads: one spike is not unrest. */
const STEP_MAX_SPREADS = 3;
/** How much larger the recent steps are than usual: sees a series become restless while its level stays. */
function volatility(settings = VOLATILITY) {
	const quickNext = ({ rows, last, quick }, value, spread) => {
		const step = rows === 0 ? 0 : Math.min(Math.abs(value - last) / spread, STEP_MAX_SPREADS);
		return {
			step,
			quick: quick + settings.quick * (step - quick)
		};
	};
	return {
		kind: "volatility",
		start: () => ({
			rows: 0,
			last: 0,
			quick: 0,
			steady: 0,
			error: startError()
		}),
		score(state, { value, spread }) {
			if (state.rows < WARM_UP_ROWS) return 0;
			return errorZ(state.error, Math.max(0, quickNext(state, value, spread).quick - state.steady), 1, settings);
		},
		learn(state, { value, spread }) {
			const { step, quick } = quickNext(state, value, spread);
			state.quick = quick;
			if (state.rows >= WARM_UP_ROWS) learnError(state.error, quick - state.steady, 1, settings);
			state.rows++;
			state.steady += Math.max(settings.steady, 1 / state.rows) * (step - state.steady);
			state.last = value;
		}
	};
}
// src/domain/series/slow.ts
const SLOW = {
	weights: {
		smoothedDay: 1,
		autoregression: 1,
		levelShift: 1,
		volatility: .7,
		valueRange: .6,
		flatLine: 3
	},
	maximum: USUAL_MAXIMUM,
	gate: INCIDENT_GATE,
	silence: .02
};
/** The channels as they are shipped. */
function slowChannels() {
	return {
		smoothedDay: smoothedDay(),
		autoregression: autoregression(),
		levelShift: levelShift(),
		volatility: volatility(),
		valueRange: valueRange(),
		flatLine: flatLine()
	};
}
/** For people: one row of an incident stands out, the rest of it stays silent. */
function slowDetector(saved, settings = SLOW, channels = slowChannels()) {
	const state = saved ?? startSlow(settings, channels);
	return {
		state,
		next: (row) => judge(state, row, settings, channels)
	};
}
function startSlow({ maximum }, channels) {
	return {
		shared: startShared(),
		smoothedDay: channels.smoothedDay.start(),
		autoregression: channels.autoregression.start(),
		levelShift: channels.levelShift.start(),
		volatility: channels.volatility.start(),
		valueRange: channels.valueRange.start(),
		flatLine: channels.flatLine.start(),
		usual: {
			smoothedDay: startMaximum(maximum),
			autoregression: startMaximum(maximum),
			levelShift: startMaximum(maximum),
			volatility: startMaximum(maximum)
		},
		gate: startGate(),
		expectedError: startError()
	};
}
/** A record this many ranges beyond the old one counts no more than that. */
const RECORD_RANGES_MAX = .75;
function judge(state, row, settings, channels) {
	const { shared, usual } = state;
	const { weights, maximum } = settings;
	const isFirst = shared.size.rows === 0;
	const point = pointOf(shared, row);
	const day = channels.smoothedDay.score(state.smoothedDay, point);
	const step = channels.autoregression.score(state.autoregression, point);
	const level = channels.levelShift.score(state.levelShift, point);
	const unrest = channels.volatility.score(state.volatility, point);
	const record = channels.valueRange.score(state.valueRange, point);
	const flat = channels.flatLine.score(state.flatLine, point);
	const oddness = together(weights.smoothedDay * aboveUsual(usual.smoothedDay, day, maximum), weights.autoregression * aboveUsual(usual.autoregression, step, maximum), weights.levelShift * aboveUsual(usual.levelShift, level, maximum), weights.volatility * aboveUsual(usual.volatility, unrest, maximum), record > 0 ? weights.valueRange * (1.5 + 4 * Math.min(record, RECORD_RANGES_MAX)) : 0, weights.flatLine * flat);
	const expected = expectedValue(state, point);
	const half = typicalBand(state.expectedError, point.spread);
	learnMaximum(usual.smoothedDay, day, maximum);
	learnMaximum(usual.autoregression, step, maximum);
	learnMaximum(usual.levelShift, level, maximum);
	learnMaximum(usual.volatility, unrest, maximum);
	learnAll(state, point, channels);
	if (!isFirst) learnError(state.expectedError, row.value - expected, point.spread, EXPECTED_ERROR);
	const isNews = passGate(state.gate, oddness, settings.gate);
	const rarity = slowRarity(oddness) * (isNews ? 1 : settings.silence);
	if (isFirst) return {
		rarity,
		expected: null,
		lower: null,
		upper: null
	};
	return {
		rarity,
		expected,
		lower: expected - half,
		upper: expected + half
	};
}
const EXPECTED_ERROR = {
	rate: .002,
	floorShare: .03
};
function learnAll(state, point, channels) {
	channels.smoothedDay.learn(state.smoothedDay, point);
	channels.autoregression.learn(state.autoregression, point);
	channels.levelShift.learn(state.levelShift, point);
	channels.volatility.learn(state.volatility, point);
	channels.valueRange.learn(state.valueRange, point);
	channels.flatLine.learn(state.flatLine, point);
	learnShared(state.shared, point.value);
}
/** Nearly the largest of them (the norm of power 4): channels that agree add a little, ten quiet ones add nothing. */
function together(...parts) {
	let sum = 0;
	for (const part of parts) {
		const square = part * part;
		sum += square * square;
	}
	return Math.sqrt(Math.sqrt(sum));
}
/** What is usual at this time of day, or what the last rows lead to while no day is known. */
function expectedValue(state, point) {
	return sameClockMedian(state.smoothedDay.ring, point) ?? predictNext(state.autoregression, point);
}
/** Oddness that this share of ordinary rows reaches, as −log10: measured by `npm run trial`, see docs/detect.md. */
const RARITY_OF_ODDNESS = [
	0,
	1.7,
	2.9,
	3.5,
	4.4,
	5.3
];
/** The rarity of an oddness: by the table, and beyond it with the slope of its end. */
function slowRarity(oddness) {
	return rarityByTable(RARITY_OF_ODDNESS, oddness);
}
// bench/trial/detectors.ts
/** Every parameter of the fast channel. */
const FAST_PARAMETERS = {
	together: FAST,
	difference: DIFFERENCE,
	autoregression: AUTOREGRESSION,
	smoothedDay: FAST_DAY,
	levelShift: FAST_LEVEL
};
/** Every parameter of the slow channel. */
const SLOW_PARAMETERS = {
	together: SLOW,
	smoothedDay: SMOOTHED_DAY,
	autoregression: AUTOREGRESSION,
	levelShift: LEVEL_SHIFT,
	volatility: VOLATILITY,
	valueRange: VALUE_RANGE,
	flatLine: FLAT_LINE
};
/** The rarity of every row, from a fast detector of its own for each curve. */
function fastRarities(curve, given = FAST_PARAMETERS) {
	const channels = {
		difference: difference(given.difference),
		autoregression: autoregression(given.autoregression),
		smoothedDay: smoothedDay(given.smoothedDay),
		levelShift: levelShift(given.levelShift)
	};
	return rarities(curve, fastDetector(void 0, given.together, channels));
}
/** The rarity of every row, from a slow detector of its own for each curve. */
function slowRarities(curve, given = SLOW_PARAMETERS) {
	const channels = {
		smoothedDay: smoothedDay(given.smoothedDay),
		autoregression: autoregression(given.autoregression),
		levelShift: levelShift(given.levelShift),
		volatility: volatility(given.volatility),
		valueRange: valueRange(given.valueRange),
		flatLine: flatLine(given.flatLine)
	};
	return rarities(curve, slowDetector(void 0, given.together, channels));
}
function rarities({ timesMs, values }, detector) {
	return values.map((value, row) => detector.next({
		atMs: timesMs[row],
		value
	}).rarity);
}
/** Every parameter changed by half either way, one at a time. What is near 1 by nature is changed in its distance from 1. */
function jitter(parameters) {
	return pathsOf(parameters, []).flatMap((path) => [.5, 1.5].map((factor) => {
		const parametersOf = structuredClone(parameters);
		change(parametersOf, path, factor);
		return {
			name: path.join("."),
			factor,
			parameters: parametersOf
		};
	}));
}
const NEAR_ONE = [
	"quantile",
	"memory",
	"rise"
];
function pathsOf(value, path) {
	return Object.entries(value).flatMap(([key, inner]) => {
		if (typeof inner === "object" && inner !== null) return pathsOf(inner, [...path, key]);
		return [[...path, key]];
	});
}
function change(target, [key = "", ...rest], factor) {
	const inner = Reflect.get(target, key);
	if (typeof inner === "object" && inner !== null) {
		change(inner, rest, factor);
		return;
	}
	const value = Number(inner);
	const changed = NEAR_ONE.includes(key) ? 1 + (value - 1) * factor : value * factor;
	Reflect.set(target, key, key.endsWith("Rows") ? Math.max(1, Math.round(changed)) : changed);
}
// bench/trial/made-up-curves.ts
const STEP_MS = 3e5;
const START_MS = Date.UTC(2026, 2, 2);
const ROWS = 4e3;
const CURVES = 48;
const WINDOW_ROWS = 200;
/** Kinds of series that people watch: smooth days, flat noise, counts in bursts, saw teeth, weekdays. */
const USUAL = [
	(row, { normal }) => 100 + 50 * day(row) + 4 * normal(),
	(_, { normal }) => 40 + 2 * normal(),
	(row, { even }) => Math.floor(-20 * (1.2 + day(row)) * Math.log(1 - even())),
	(row, { normal }) => 20 + row * 7 % 400 / 10 + normal(),
	(row, { normal }) => (Math.floor(row / 288) % 7 < 5 ? 80 + 40 * day(row) : 30) + 5 * normal(),
	(row, { even, normal }) => 10 + (even() < .01 ? 60 * even() : 0) + .5 * normal() + 3 * day(row)
];
/** What goes wrong: a spike, a drop to nothing, a new level, unrest, a line that stands still, a slow slide. */
const ODD = [
	(value, since, spread) => since < 2 ? value + 6 * spread : value,
	(value, since) => since < 40 ? 0 : value,
	(value, _, spread) => value + 3 * spread,
	(value, since, spread, { normal }) => since < 80 ? value + 2.5 * spread * normal() : value,
	(value, since, spread) => since < 60 ? 4 * spread : value,
	(value, since, spread) => since < 100 ? value + since / 25 * spread : value
];
/**
* Seeded series in the manner of the Numenta Anomaly Benchmark, for those who do not have it: every usual kind with every way
* to go wrong, once or twice, and some with none.
*/
function madeUpCurves() {
	return Array.from({ length: CURVES }, (_, index) => {
		const chance = chanceOf(index + 1);
		const usual = USUAL[index % USUAL.length] ?? (() => 0);
		const plain = Array.from({ length: ROWS }, (_unused, row) => usual(row, chance));
		const mean = plain.reduce((sum, value) => sum + value, 0) / ROWS;
		const spread = Math.sqrt(plain.reduce((sum, value) => sum + (value - mean) ** 2, 0) / ROWS);
		const starts = [...Array(Math.floor(index / USUAL.length) % 3).keys()].map((which) => 1200 + which * 1400 + Math.floor(chance.even() * 900));
		for (const [which, start] of starts.entries()) {
			const odd = ODD[(Math.floor(index / USUAL.length) + which * 2 + index) % ODD.length];
			for (let row = start; row < Math.min(ROWS, start + WINDOW_ROWS); row++) plain[row] = odd?.(plain[row] ?? 0, row - start, spread, chance) ?? 0;
		}
		return {
			name: `made-up-${index + 1}`,
			timesMs: Float64Array.from(plain, (_unused, row) => START_MS + row * STEP_MS),
			values: Float64Array.from(plain, (value) => Math.round(value * 1e3) / 1e3),
			windows: starts.map((start) => ({
				from: start - WINDOW_ROWS / 2,
				to: start + WINDOW_ROWS - 1
			}))
		};
	});
}
function day(row) {
	return Math.sin(row / 288 * 2 * Math.PI);
}
/** Chance that is the same every time (mulberry32). */
function chanceOf(seed) {
	let state = seed >>> 0;
	const even = () => {
		state = state + 1831565813 >>> 0;
		let mixed = state;
		mixed = Math.imul(mixed ^ mixed >>> 15, mixed | 1);
		mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61);
		return ((mixed ^ mixed >>> 14) >>> 0) / 4294967296;
	};
	return {
		even,
		normal: () => (even() + even() + even() + even() - 2) * Math.sqrt(3)
	};
}
// bench/trial/nab-score.ts
/** Weights of the standard profile: what a false alarm costs beside a hit and a miss of 1. */
const FALSE_ALARM_WEIGHT = .11;
/** Rows at the beginning that are not judged: 15 %, of 5,000 rows at most. */
const PROBATION_SHARE = .15;
const PROBATION_ROWS_MAX = 750;
/**
* The score of the Numenta Anomaly Benchmark, standard profile (Lavin and Ahmad, Evaluating Real-Time Anomaly Detection
* Algorithms, 2015; nab/sweeper.py): in a window the earliest alarm counts, the more the earlier; an alarm soon after a
* window costs less than one far from any.
*/
function nabScore(curves, scores) {
	const points = [];
	let windowCount = 0;
	for (const [index, { windows }] of curves.entries()) {
		addPoints(points, windows, scores[index] ?? /* @__PURE__ */ new Float64Array(0), windowCount);
		windowCount += windows.length;
	}
	points.sort((left, right) => right.score - left.score);
	const hits = new Float64Array(windowCount).fill(-1);
	let total = -windowCount;
	let best = {
		score: 0,
		threshold: Number.POSITIVE_INFINITY
	};
	for (const [index, { score, weight, window }] of points.entries()) {
		if (window === -1) total += weight * FALSE_ALARM_WEIGHT;
		else if (weight > (hits[window] ?? 0)) {
			total += weight - (hits[window] ?? 0);
			hits[window] = weight;
		}
		if (points[index + 1]?.score === score) continue;
		const normal = 100 * (total + windowCount) / (2 * windowCount);
		if (normal > best.score) best = {
			score: normal,
			threshold: score
		};
	}
	return best;
}
function addPoints(points, windows, scores, firstWindow) {
	const probation = Math.min(PROBATION_ROWS_MAX, Math.floor(PROBATION_SHARE * scores.length));
	let at = 0;
	for (let row = 0; row < scores.length; row++) {
		while (row > (windows[at]?.to ?? Number.POSITIVE_INFINITY)) at++;
		if (row < probation) continue;
		const [inside, before] = [windows[at], windows[at - 1]];
		const score = scores[row] ?? 0;
		if (inside !== void 0 && row >= inside.from) {
			const place = -(inside.to - row + 1) / (inside.to - inside.from + 1);
			points.push({
				score,
				weight: sigmoid(place) / sigmoid(-1),
				window: firstWindow + at
			});
		} else {
			const weight = before === void 0 ? -1 : sigmoid((row - before.to) / (before.to - before.from));
			points.push({
				score,
				weight,
				window: -1
			});
		}
	}
}
function sigmoid(place) {
	return place > 3 ? -1 : 2 / (1 + Math.exp(5 * place)) - 1;
}
// src/domain/series/series-time.ts
const ISO = /^(\d{4})[-/](\d\d?)[-/](\d\d?)(?:[T ](\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)? ?(Z|z|UTC|[+-]\d\d:?\d\d)?$/;
const NUMBER = /^-?\d{1,20}(?:\.\d+)?$/;
const DAYS_OF_MONTH = [
	31,
	29,
	31,
	30,
	31,
	30,
	31,
	31,
	30,
	31,
	30,
	31
];
/** From here on a number is in the next finer unit: seconds, milliseconds, microseconds, nanoseconds since 1970. */
const MILLISECONDS_FROM = 1e11;
const MICROSECONDS_FROM = 0x5af3107a4000;
const NANOSECONDS_FROM = 0x16345785d8a0000;
/** The times that a date can hold. */
const TIME_MAX_MS = 864e13;
/**
* Epoch milliseconds of a time as files write it, or undefined: ISO 8601 with `T` or a space, down to a plain day, UTC
* unless it names an offset; or a number of seconds, milliseconds, microseconds or nanoseconds, told apart by its size.
*/
function parseSeriesTime(text) {
	const trimmed = text.trim();
	return NUMBER.test(trimmed) ? epochMs(Number(trimmed)) : isoMs(trimmed);
}
function epochMs(number) {
	const size = Math.abs(number);
	const ms = size < MILLISECONDS_FROM ? number * SECOND_MS : size < MICROSECONDS_FROM ? number : size < NANOSECONDS_FROM ? number / 1e3 : number / 1e6;
	return Math.abs(ms) <= TIME_MAX_MS ? ms : void 0;
}
function isoMs(text) {
	const match = ISO.exec(text);
	if (match === null) return void 0;
	const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "", zone] = match;
	const [m, d, h, min, s] = [
		month,
		day,
		hour,
		minute,
		second
	].map(Number);
	if (m < 1 || m > 12 || d < 1 || h > 23 || min > 59 || s > 60) return void 0;
	if (d > (m === 2 && !isLeap(Number(year)) ? 28 : DAYS_OF_MONTH[m - 1] ?? 0)) return void 0;
	const ms = Number(`0.${fraction || "0"}`) * SECOND_MS;
	return Date.UTC(Number(year), m - 1, 1) + (d - 1) * DAY_MS + h * HOUR_MS + min * MINUTE_MS + s * SECOND_MS + ms - offsetMs(zone);
}
function isLeap(year) {
	return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}
function offsetMs(zone) {
	if (zone === void 0 || !/^[+-]/.test(zone)) return 0;
	const digits = zone.replace(/\D/g, "");
	const size = Number(digits.slice(0, 2)) * HOUR_MS + Number(digits.slice(2)) * MINUTE_MS;
	return zone.startsWith("-") ? -size : size;
}
// bench/trial/read-curves.ts
/** Curves of the AIOps Challenge 2018: CSV files (also .gz) of `timestamp,value,label`, a column `KPI ID` tells curves apart. */
function readAiops(folder) {
	const curves = [];
	for (const name of csvFiles(folder)) {
		const byCurve = /* @__PURE__ */ new Map();
		for (const row of records(join(folder, name))) {
			const own = byCurve.get(row["KPI ID"] ?? name);
			if (own === void 0) byCurve.set(row["KPI ID"] ?? name, [row]);
			else own.push(row);
		}
		for (const [curve, rows] of byCurve) {
			const labels = rows.map(({ label }) => Number(label) === 1);
			curves.push({
				name: curve,
				...columnsOf(rows),
				windows: runsOf(labels)
			});
		}
	}
	if (curves.length === 0) throw new Error(`No CSV file in ${folder}.`);
	return curves;
}
/** A checkout of the Numenta Anomaly Benchmark: `data/**.csv` with `labels/combined_windows.json`. */
function readNab(folder) {
	const windows = JSON.parse(readFileSync(join(folder, "labels/combined_windows.json"), "utf8"));
	if (typeof windows !== "object" || windows === null) throw new Error("combined_windows.json is no object.");
	return Object.entries(windows).map(([name, limits]) => {
		const columns = columnsOf(records(join(folder, "data", name)));
		const rowOf = (time) => columns.timesMs.indexOf(parseSeriesTime(time.replace(/\.\d+$/, "")) ?? -1);
		return {
			name,
			...columns,
			windows: limits.map(([from, to]) => ({
				from: rowOf(from),
				to: rowOf(to)
			}))
		};
	});
}
function csvFiles(folder) {
	return readdirSync(folder).filter((name) => /\.csv(?:\.gz)?$/.test(name)).sort();
}
function records(path) {
	const bytes = readFileSync(path);
	return parse(path.endsWith(".gz") ? gunzipSync(bytes) : bytes, {
		columns: true,
		bom: true
	});
}
function columnsOf(rows) {
	return {
		timesMs: Float64Array.from(rows, ({ timestamp = "" }) => parseSeriesTime(timestamp) ?? NaN),
		values: Float64Array.from(rows, ({ value }) => Number(value))
	};
}
function runsOf(labels) {
	const runs = [];
	for (const [row, isOdd] of labels.entries()) {
		if (!isOdd) continue;
		const last = runs.at(-1);
		if (last?.to === row - 1) last.to = row;
		else runs.push({
			from: row,
			to: row
		});
	}
	return runs;
}
/** Brings scores and labels of one curve into the form that thresholds are tried on. */
function segmentScores(scores, { windows }) {
	const ordinary = [];
	let next = 0;
	const segments = windows.map(({ from, to }) => {
		for (; next < from; next++) ordinary.push(scores[next] ?? 0);
		next = to + 1;
		return {
			from,
			highest: Math.max(...scores.subarray(from, Math.min(to, from + 7) + 1)),
			rows: to - from + 1
		};
	});
	for (; next < scores.length; next++) ordinary.push(scores[next] ?? 0);
	return {
		ordinary: Float64Array.from(ordinary).sort(),
		segments
	};
}
/**
* F1 of the AIOps Challenge 2018 (Ren et al., Time-Series Anomaly Detection Service at Microsoft, KDD 2019, section 5.2): a
* segment found in time counts as found with all its rows, another as missed with all its rows; outside segments every row
* at or above the threshold is a false alarm. All curves share the threshold.
*/
function segmentF1(curves, threshold) {
	let [hits, misses, falseAlarms] = [
		0,
		0,
		0
	];
	for (const { ordinary, segments } of curves) {
		for (const { highest, rows } of segments) if (highest >= threshold) hits += rows;
		else misses += rows;
		falseAlarms += ordinary.length - firstAtLeast(ordinary, threshold);
	}
	const precision = hits / Math.max(1, hits + falseAlarms);
	const recall = hits / Math.max(1, hits + misses);
	return {
		threshold,
		f1: hits === 0 ? 0 : 2 * precision * recall / (precision + recall),
		precision,
		recall
	};
}
/** The threshold with the highest F1; only the scores of segments can be it. */
function bestF1(curves) {
	const candidates = new Set(curves.flatMap(({ segments }) => segments.map(({ highest }) => highest)));
	let best = {
		threshold: Number.POSITIVE_INFINITY,
		f1: 0,
		precision: 0,
		recall: 0
	};
	for (const threshold of candidates) {
		const reached = segmentF1(curves, threshold);
		if (reached.f1 > best.f1) best = reached;
	}
	return best;
}
function firstAtLeast(ascending, threshold) {
	let [low, high] = [0, ascending.length];
	while (low < high) {
		const middle = low + high >> 1;
		if ((ascending[middle] ?? 0) >= threshold) high = middle;
		else low = middle + 1;
	}
	return low;
}
// bench/trial/main.ts
const USAGE = `Usage: npm run trial -- aiops FOLDER [--jitter]
       npm run trial -- nab FOLDER|made-up [--jitter]
`;
function main() {
	const words = process.argv.slice(2);
	const [set, folder] = words.filter((word) => !word.startsWith("--"));
	const isJittered = words.includes("--jitter");
	if (folder === void 0 || set !== "aiops" && set !== "nab") {
		process.stderr.write(USAGE);
		return 2;
	}
	if (set === "aiops") aiops(readAiops(folder), isJittered);
	else nab(folder === "made-up" ? madeUpCurves() : readNab(folder), isJittered);
	return 0;
}
/** The fast channel: segment F1, with a threshold from one half of the curves used on the other. */
function aiops(curves, isJittered) {
	const scored = curves.map((curve) => segmentScores(fastRarities(curve), curve));
	const [even, odd] = [0, 1].map((rest) => scored.filter((_, index) => index % 2 === rest));
	print(`${curves.length} curves, segments found within 7 rows of their first, fast channel`);
	tell("all curves, best threshold", bestF1(scored));
	tell("without segments in the first 20 rows", bestF1(scored.map(withoutStart)));
	for (const [name, from, to] of [[
		"threshold of the even curves, F1 of the odd",
		even,
		odd
	], [
		"threshold of the odd curves, F1 of the even",
		odd,
		even
	]]) if (from !== void 0 && to !== void 0 && to.length > 0) tell(name, segmentF1(to.map(withoutStart), bestF1(from.map(withoutStart)).threshold));
	calibration(scored.map(({ ordinary }) => ordinary));
	if (!isJittered) return;
	const f1 = (all) => bestF1(all.map(withoutStart)).f1;
	for (const { name, factor, parameters } of jitter(FAST_PARAMETERS)) {
		const score = f1(curves.map((curve) => segmentScores(fastRarities(curve, parameters), curve)));
		print(`  ${name.padEnd(36)} × ${factor}  ${score.toFixed(3)}`);
	}
}
const START_ROWS = 20;
function withoutStart({ ordinary, segments }) {
	return {
		ordinary,
		segments: segments.filter(({ from }) => from >= START_ROWS)
	};
}
/** The slow channel: the score of the Numenta Anomaly Benchmark, standard profile. */
function nab(curves, isJittered) {
	const rarities = curves.map((curve) => slowRarities(curve));
	const { score, threshold } = nabScore(curves, rarities);
	print(`${curves.length} curves, slow channel: ${score.toFixed(1)} from rarity ${threshold.toFixed(2)}`);
	calibration(curves.map((curve, index) => ordinaryOf(curve, rarities[index] ?? /* @__PURE__ */ new Float64Array(0))));
	if (!isJittered) return;
	for (const { name, factor, parameters } of jitter(SLOW_PARAMETERS)) {
		const jittered = nabScore(curves, curves.map((curve) => slowRarities(curve, parameters)));
		print(`  ${name.padEnd(36)} × ${factor}  ${jittered.score.toFixed(1)}`);
	}
}
function ordinaryOf({ windows }, rarities) {
	return rarities.filter((_, row) => !windows.some(({ from, to }) => row >= from && row <= to)).sort();
}
/** What is called one row in 10, 100, … should be that. */
function calibration(ordinary) {
	const all = Float64Array.from(ordinary.flatMap((one) => [...one])).sort();
	const told = [
		1,
		2,
		3,
		4,
		5
	].map((rarity) => {
		return `1 in 1e${rarity}: ${(all[Math.floor(all.length * (1 - 10 ** -rarity))] ?? 0).toFixed(2)}`;
	});
	print(`rarity that ordinary rows reach, ${all.length} of them: ${told.join(", ")}`);
}
function tell(name, { f1, precision, recall, threshold }) {
	const figures = [
		f1,
		precision,
		recall
	].map((value) => value.toFixed(3));
	print(`${name.padEnd(46)} F1 ${figures[0]}  precision ${figures[1]}  recall ${figures[2]}  (rarity ${threshold.toFixed(2)})`);
}
function print(line) {
	process.stdout.write(`${line}\n`);
}
process.exitCode = main();
export {};

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonFields, textOf } from '../../../../src/domain/text/json-fields.ts';

test('reads the same plain fields as JSON.parse, however the object is laid out', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.integer({ min: 0, max: 2 }), (object, indent) => {
      const text = JSON.stringify(object, null, indent);
      const plain = Object.entries(object).filter(([, value]) => typeof value !== 'object' || value === null);
      const read = [...jsonFields(text)].map(([name, source]) => [name, JSON.parse(source)]);
      // Written and read back, -0 is 0.
      expect(read).toEqual(JSON.parse(JSON.stringify(plain)));
    }),
  );
});

test('of an object that was cut off, reads what stands before the cut and never half a value', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(), (object, at) => {
      const text = JSON.stringify(object);
      const whole = jsonFields(text);
      for (const [name, source] of jsonFields(text.slice(0, at % (text.length + 1))))
        expect(source).toBe(whole.get(name));
    }),
  );
});

test('never throws, whatever the text', () => {
  const anything = fc.oneof(
    fc.string(),
    fc
      .array(fc.constantFrom('{', '}', '[', ']', ':', ',', '"', '\\', 'a', '1'))
      .map((characters) => characters.join('')),
  );
  fc.assert(
    fc.property(anything, (text) => {
      expect(jsonFields(text)).toBeInstanceOf(Map);
    }),
  );
});

test('a text with a broken escape is no name', () => {
  expect(textOf('"a\\u0062"')).toBe('ab');
  for (const source of [undefined, '7', '"\\q"', '"a\nb"']) expect(textOf(source)).toBeUndefined();
});

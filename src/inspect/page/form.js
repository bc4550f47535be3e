/**
 * Creates a form from the JSON Schema of an MCP elicitation: a flat object of strings, numbers, booleans, enums and lists
 * of enums. The browser checks the values first; the server validates them again.
 */
import { element } from './element.js';

/**
 * @typedef {{ const?: unknown, title?: string }} Option
 * @typedef {{ type?: string, title?: string, description?: string, default?: unknown, format?: string, minLength?: number, maxLength?: number,
 *   minimum?: number, maximum?: number, minItems?: number, maxItems?: number, enum?: unknown[], enumNames?: string[], oneOf?: Option[],
 *   items?: { enum?: unknown[], oneOf?: Option[], anyOf?: Option[] } }} Property
 * @typedef {string | number | boolean | string[]} Value
 * @typedef {{ label: HTMLElement, read(): Value | null, problem(): string | null }} Field `read`: null if the field is empty
 */

/** HTML input types by string format. An MCP server chooses the format. */
const INPUTS = new Map([
  ['email', 'email'],
  ['uri', 'url'],
  ['date', 'date'],
  ['date-time', 'datetime-local'],
]);

/**
 * @param {{ properties?: Record<string, Property>, required?: string[] }} schema
 * @returns {{ fields: HTMLElement[], read(): Record<string, Value>, problem(): string | null }}
 */
export function createForm({ properties = {}, required = [] }) {
  const fields = Object.entries(properties).map(([name, property]) => ({
    name,
    ...fieldOf(name, property, required.includes(name)),
  }));
  return {
    fields: fields.map(({ label }) => label),
    read: () =>
      Object.fromEntries(
        fields.flatMap(({ name, read }) => {
          const value = read();
          return value === null ? [] : [[name, value]];
        }),
      ),
    problem: () => fields.map(({ problem }) => problem()).find((each) => each !== null) ?? null,
  };
}

/** @param {string} name @param {Property} property @param {boolean} isRequired @returns {Field} */
function fieldOf(name, property, isRequired) {
  const options = optionsOf(property);
  if (property.type === 'array') return listField(name, property, isRequired);
  if (property.type === 'boolean') return booleanField(name, property);
  if (options.length > 0) return choiceField(name, property, isRequired, options);
  return textField(name, property, isRequired);
}

/** @param {string} name @param {Property} property @param {boolean} isRequired */
function textField(name, property, isRequired) {
  const isNumber = property.type === 'number' || property.type === 'integer';
  const input = element('input', {
    type: isNumber ? 'number' : (INPUTS.get(property.format ?? '') ?? 'text'),
    name,
    autocomplete: 'off',
    ...(isRequired ? { required: '' } : {}),
  });
  if (isNumber) {
    input.step = property.type === 'integer' ? '1' : 'any';
    if (property.minimum !== undefined) input.min = String(property.minimum);
    if (property.maximum !== undefined) input.max = String(property.maximum);
  } else {
    if (property.minLength !== undefined) input.minLength = property.minLength;
    if (property.maxLength !== undefined) input.maxLength = property.maxLength;
  }
  input.value =
    property.default === undefined
      ? ''
      : property.format === 'date-time'
        ? String(property.default).slice(0, 16)
        : String(property.default);
  return {
    label: labelled(name, property, isRequired, input),
    read: () =>
      input.value === ''
        ? null
        : isNumber
          ? input.valueAsNumber
          : property.format === 'date-time'
            ? new Date(input.value).toISOString()
            : input.value,
    problem: () => (input.checkValidity() ? null : `${fieldTitle(name, property)}: ${input.validationMessage}`),
  };
}

/** @param {string} name @param {Property} property */
function booleanField(name, property) {
  const input = element('input', { type: 'checkbox', name });
  input.checked = property.default === true;
  const label = element(
    'label',
    { class: 'check' },
    input,
    element('span', {}, fieldTitle(name, property)),
    ...hint(property),
  );
  return { label, read: () => input.checked, problem: () => null };
}

/** @param {string} name @param {Property} property @param {boolean} isRequired @param {{ value: string, title: string }[]} options */
function choiceField(name, property, isRequired, options) {
  const select = element('select', { name, ...(isRequired ? { required: '' } : {}) });
  const none = element('option', { value: '' }, isRequired ? 'Choose' : 'None');
  select.append(none, ...options.map(({ value, title }) => element('option', { value }, title)));
  select.value = property.default === undefined ? '' : String(property.default);
  return {
    label: labelled(name, property, isRequired, select),
    read: () => (select.value === '' ? null : select.value),
    problem: () => (select.checkValidity() ? null : `${fieldTitle(name, property)}: ${select.validationMessage}`),
  };
}

/** @param {string} name @param {Property} property @param {boolean} isRequired */
function listField(name, property, isRequired) {
  const boxes = optionsOf(property.items ?? {}).map(({ value, title }) => ({
    input: element('input', { type: 'checkbox', name, value }),
    title,
  }));
  const proposed = Array.isArray(property.default) ? property.default.map(String) : [];
  for (const { input } of boxes) input.checked = proposed.includes(input.value);
  const chosen = () => boxes.filter(({ input }) => input.checked).map(({ input }) => input.value);
  const [least, most] = [property.minItems ?? (isRequired ? 1 : 0), property.maxItems ?? Infinity];
  return {
    label: element(
      'fieldset',
      {},
      element('legend', {}, fieldTitle(name, property), ...(isRequired ? [' *'] : [])),
      ...hint(property),
      ...boxes.map(({ input, title }) => element('label', { class: 'check' }, input, element('span', {}, title))),
    ),
    read: () => (chosen().length === 0 && !isRequired ? null : chosen()),
    problem: () => {
      const { length } = chosen();
      if (length === 0 && !isRequired) return null;
      return length < least
        ? `${fieldTitle(name, property)}: choose at least ${least}.`
        : length > most
          ? `${fieldTitle(name, property)}: choose at most ${most}.`
          : null;
    },
  };
}

/** @param {Pick<Property, 'enum' | 'enumNames' | 'oneOf'> & { anyOf?: Option[] }} property */
function optionsOf({ enum: values = [], enumNames: names = [], oneOf, anyOf }) {
  const titled = (oneOf ?? anyOf ?? []).map(({ const: value, title }) => ({
    value: String(value),
    title: title ?? String(value),
  }));
  return titled.length > 0
    ? titled
    : values.map((value, index) => ({ value: String(value), title: names[index] ?? String(value) }));
}

/** @param {string} name @param {Property} property @param {boolean} isRequired @param {HTMLElement} input */
function labelled(name, property, isRequired, input) {
  return element(
    'label',
    {},
    element('span', {}, fieldTitle(name, property), ...(isRequired ? [' *'] : [])),
    input,
    ...hint(property),
  );
}

/** @param {string} name @param {Property} property */
const fieldTitle = (name, { title }) => (typeof title === 'string' && title !== '' ? title : name);

/** @param {Property} property */
const hint = ({ description }) =>
  typeof description === 'string' && description !== '' ? [element('small', {}, description)] : [];

/** A rule that the server under attack broke. Thrown by whoever notices; the assault ends with it. */

export class Breach extends Error {
  override readonly name = 'Breach';
}

/** Tests the command line: commands, flags, and messages about mistakes. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseCli } from '../../src/cli/parse-args.ts';
import { commandNames } from '../../src/cli/help.ts';

describe('the command line', () => {
  for (const [args, command] of [
    [[], { kind: 'run' }],
    [['--config', 'my.yaml'], { kind: 'run', file: 'my.yaml' }],
    [['--config=my.yaml', '--port=0'], { kind: 'run', file: 'my.yaml', port: 0 }],
    [['--port', '1', '--port', '65535'], { kind: 'run', port: 65_535 }],
    [['--version'], { kind: 'version' }],
    [['--port', '9000', '--version'], { kind: 'version' }],
    [['backup', 'copy.db'], { kind: 'backup', to: 'copy.db' }],
    [['--config', 'my.yaml', 'backup', 'copy.db'], { kind: 'backup', to: 'copy.db', file: 'my.yaml' }],
    [['check'], { kind: 'check' }],
    [['check', 'copy.db', '--config=my.yaml'], { kind: 'check', database: 'copy.db', file: 'my.yaml' }],
    [['replay', 'c1'], { kind: 'replay', conversationId: 'c1' }],
    [['replay', 'check', '--file', 'rows.jsonl'], { kind: 'replay', conversationId: 'check', exported: 'rows.jsonl' }],
    [['token', 'alice'], { kind: 'token', subject: 'alice' }],
    [['say', 'add 2 and 3', '--port', '9000'], { kind: 'say', text: 'add 2 and 3', port: 9000 }],
    [['check', '--help', '--version'], { kind: 'help' }],
  ] as const) {
    test(`understands ${JSON.stringify(args)}`, () => assert.partialDeepStrictEqual(parseCli(args), command));
  }

  test('helps', () => {
    const command = parseCli(['--help']);
    assert.equal(command.kind, 'help');
    for (const part of [
      '--config',
      '--port',
      '--help',
      '--version',
      'backup FILE',
      'check \\[FILE\\]',
      'replay CONVERSATION',
      'token SUBJECT',
    ])
      assert.match(JSON.stringify(command), new RegExp(part));
  });

  for (const name of commandNames) {
    test(`helps with ${name}, before and behind its name`, () => {
      for (const args of [
        [name, '--help'],
        ['-h', name],
        [name, 'one', 'two', '--help'],
      ]) {
        const command = parseCli(args);
        assert.ok(
          command.kind === 'help' && command.text.startsWith(`Usage: ./run.sh ${name}`),
          JSON.stringify(command),
        );
        assert.ok(
          command.text.split('\n').every((line) => line.length <= 90),
          command.text,
        );
      }
    });
  }

  for (const [args, problem] of [
    [['--prot', '1'], '--prot is not a known flag; did you mean --port?'],
    [['--database=x'], '--database is not a known flag'],
    [['-x'], '-x is not a known flag'],
    [['serve'], '"serve" is not understood'],
    [['--port'], '--port needs a value'],
    [['--config', '--port', '1'], '--config needs a value'],
    [['--config='], '--config needs a value'],
    [['--port', 'http'], '--port needs a whole number from 0 to 65535, not "http"'],
    [['--port', '65536'], '--port needs a whole number from 0 to 65535, not "65536"'],
    [['--port=-1'], '--port needs a whole number from 0 to 65535, not "-1"'],
    [['backup'], 'backup needs the file to write'],
    [['replay', '--file', 'rows.jsonl'], 'replay needs the id of a conversation'],
    [['token'], 'token needs the name of a subject'],
    [['say', 'add', '2', 'and', '3'], 'the text to send goes in quotes'],
    [['replay', ''], 'replay needs the id of a conversation'],
    [['token', 'alice', '--config', 'my.yaml'], '--config has no meaning with token'],
    [['replya', 'c1'], '"replya" is not understood; did you mean replay?'],
    [['test', '--watch'], '--watch is not a known flag'],
    [['test', 'fast'], '"fast" is not understood'],
    [['--config', 'my.yaml', 'model'], '--config has no meaning with model'],
    [['backup', '--config', '-h'], '--config needs a value'],
    [['check', 'one.db', 'two.db'], '"two.db" is not understood'],
    [['check', '--port', '1'], '--port has no meaning with check'],
    [['--file', 'rows.jsonl'], '--file has no meaning without a command'],
    [['--help=yes'], '--help takes no value'],
  ] as const) {
    test(`refuses ${JSON.stringify(args)} and says how it is used`, () => {
      const command = parseCli(args);
      assert.equal(command.kind, 'invalid');
      assert.ok('text' in command && command.text.startsWith(`${problem}\n\nUsage: ./run.sh`), JSON.stringify(command));
      assert.equal(command.text.split('\n').length, 6, 'the reason, the synopsis, and where more is said');
    });
  }
});

/** Follows every relative link of the documents, and checks that the index leads to every document. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, it } from 'node:test';

const project = join(import.meta.dirname, '..', '..');
const INDEX = 'docs/README.md';
const documents = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', 'test/model/README.md']
  .concat(globSync('docs/**/*.md', { cwd: project }))
  .sort();

const read = (document: string) => readFileSync(join(project, document), 'utf8');
/** Without what stands in code. */
const proseOf = (document: string) =>
  read(document)
    .replaceAll(/^( *)```.*?^\1```/gms, '')
    .replaceAll(/`[^`\n]*`/g, 'code');

/** The anchors that GitHub gives the headings of a document. */
function anchorsOf(document: string): string[] {
  const seen = new Map<string, number>();
  const text = read(document).replaceAll(/^( *)```.*?^\1```/gms, '');
  return [...text.matchAll(/^#+ +(.*?) *$/gm)].map(([, heading = '']) => {
    const anchor = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-');
    const count = seen.get(anchor) ?? 0;
    seen.set(anchor, count + 1);
    return count === 0 ? anchor : `${anchor}-${count}`;
  });
}

/** Links to files of the project, as paths within it. */
function linksOf(document: string): { link: string; path: string; anchor: string }[] {
  return [...proseOf(document).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => {
    if (/^[a-z]+:/.test(link)) return [];
    const [target = '', anchor = ''] = link.split('#');
    const path = target === '' ? document : relative(project, join(project, dirname(document), target));
    return [{ link, path, anchor }];
  });
}

for (const document of documents) {
  describe(document, () => {
    it('links to files and headings that exist', () => {
      const broken = linksOf(document).filter(({ path, anchor }) => {
        if (!existsSync(join(project, path))) return true;
        return anchor !== '' && path.endsWith('.md') && !anchorsOf(path).includes(anchor);
      });
      assert.deepEqual(
        broken.map(({ link }) => link),
        [],
      );
    });
  });
}

/** Paths of the project in a text, such as `src/main.ts`, and the names of modules in code spans, such as `main.ts`. */
function namedFiles(text: string): string[] {
  const paths = [
    ...text.matchAll(/(?<![\w./-])(?:src|machines|test|config|docs)\/[\w{},*/.-]+\.(?:ts|js|mjs|md|json|yaml)\b/g),
  ];
  const names = [...text.matchAll(/`([\w-]+\.ts)`/g)];
  return [...paths.map(([path]) => path), ...names.map(([, name = '']) => `{src,machines,test,docs}/**/${name}`)];
}

const missing = (text: string) => namedFiles(text).filter((path) => globSync(path, { cwd: project }).length === 0);

describe('the documents', () => {
  const scripts = Object.keys(JSON.parse(read('package.json')).scripts);
  for (const document of documents.filter((each) => each !== 'CHANGELOG.md')) {
    it(`name files and npm scripts that exist: ${document}`, () => {
      const text = read(document);
      const commands = [...text.matchAll(/\bnpm run (?:--silent )?([\w-]+)/g)].map(([, name = '']) => name);
      assert.deepEqual([...missing(text), ...commands.filter((name) => !scripts.includes(name))], []);
    });
  }
});

describe('the comments', () => {
  it('name files that exist', () => {
    const sources = globSync('{src,machines,test}/**/*.{ts,js}', { cwd: project });
    assert.ok(sources.length > 100);
    const broken = sources.flatMap((file) => {
      const comments = [...read(file).matchAll(/\/\*\*.*?\*\/|^\s*\/\/.*$/gms)].map(([comment]) => comment);
      return missing(comments.join('\n')).map((path) => `${file}: ${path}`);
    });
    assert.deepEqual(broken, []);
  });
});

describe(INDEX, () => {
  it('leads to every document of docs/', () => {
    const reached = new Set([INDEX]);
    // A set that grows while it is walked.
    for (const document of reached) {
      for (const { path } of linksOf(document)) {
        const file = statSync(join(project, path)).isDirectory() ? join(path, 'README.md') : path;
        if (file.startsWith('docs/') && file.endsWith('.md') && existsSync(join(project, file))) reached.add(file);
      }
    }
    assert.deepEqual(
      documents.filter((document) => document.startsWith('docs/') && !reached.has(document)),
      [],
    );
  });
});

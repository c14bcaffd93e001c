// Small releases that can be told apart by every file, and a reader that looks at whatever the volume offers.
import { createHash } from 'node:crypto';
import path from 'node:path';
import { hasCode } from '../../../src/host/errors.ts';
import type { Files, Host } from '../../../src/host/host.ts';
import { type Manifest, manifestText, verifyRelease } from '../../../src/release/manifest.ts';
import { openVolume, type VolumeContent } from '../../../src/storage/volume.ts';
import type { Watched } from './protocol.ts';

const fileCount = 8;

/** A release of a few files that all name their version, as the installer would have unpacked it. */
export async function writeRelease(files: Files, directory: string, version: string): Promise<void> {
  await files.makeDirectory(path.join(directory, 'bin'), { mode: 0o755 });
  const list: Manifest['files'] = [];
  for (let n = 0; n < fileCount; n += 1) {
    const content = `${version} ${n}\n`.repeat(100);
    const name = `bin/file-${n}`;
    await files.write(path.join(directory, name), content, { mode: 0o644, sync: true });
    const sha256 = createHash('sha256').update(content).digest('hex');
    list.push({ kind: 'file', path: name, mode: 0o644, size: content.length, sha256 });
  }
  const manifest: Manifest = {
    format: 1,
    version,
    architecture: 'amd64',
    archive: { sha256: '0'.repeat(64), verifiedBy: 'option' },
    files: list,
  };
  await files.syncDirectory(path.join(directory, 'bin'));
  await files.write(path.join(directory, '.manifest.json'), manifestText(manifest), {
    mode: 0o644,
    sync: true,
  });
}

/** Looks at the volume over and over until it is ended. */
export class Reader {
  /** Resolves after the first look. */
  readonly begun: Promise<void>;
  #over = false;
  readonly #waiting: (() => void)[] = [];
  readonly #reading: Promise<void>;
  readonly #watched: Watched = { looks: 0, versions: [], markers: [], gaps: 0, broken: [] };
  readonly #host: Host;

  constructor(host: Host) {
    this.#host = host;
    const begun = Promise.withResolvers<void>();
    this.begun = begun.promise;
    this.#reading = this.#read(begun.resolve);
    this.#reading.catch(begun.reject);
  }

  /** Resolves when a look that begins from now on is over. */
  async another(): Promise<void> {
    for (let looks = 0; looks < 2; looks += 1) {
      const over = new Promise<void>((resolve) => this.#waiting.push(resolve));
      await Promise.race([over, this.#reading]);
    }
  }

  async end(): Promise<Watched> {
    this.#over = true;
    await this.#reading;
    return this.#watched;
  }

  async #read(begun: () => void): Promise<void> {
    while (!this.#over) {
      const facts = await this.#lookOnce();
      this.#watched.looks += 1;
      if (facts !== undefined) await this.#judge(facts);
      begun();
      for (const resolve of this.#waiting.splice(0)) resolve();
    }
  }

  async #lookOnce(): Promise<VolumeContent | undefined> {
    const facts = await openVolume(this.#host).observe();
    if (facts.state === 'present' && facts.installed !== undefined && facts.problems.length === 0)
      return facts;
    this.#watched.gaps += 1;
    return undefined;
  }

  async #judge({ installed, marker, releases }: VolumeContent): Promise<void> {
    const { versions, markers, broken } = this.#watched;
    if (installed !== undefined && !versions.includes(installed)) versions.push(installed);
    if (marker !== undefined && !markers.includes(marker)) markers.push(marker);
    for (const version of new Set([installed ?? '', ...releases])) {
      const directory = openVolume(this.#host).layout.release(version);
      try {
        const found = await verifyRelease(this.#host.files, directory, {
          version,
          architecture: 'amd64',
          depth: 'contents',
        });
        if (!found.ok) broken.push(`${version}: ${found.problems.join('; ')}`);
      } catch (error) {
        if (!hasCode(error, 'ENOENT', 'ESTALE')) throw error;
        this.#watched.gaps += 1;
      }
    }
  }
}

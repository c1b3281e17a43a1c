/** What was dropped, pasted or chosen, as files: folders are walked through, and what in them is no audio is left out. */

/** Extensions that are taken out of folders. Files that are chosen by themselves are always sent: the server looks into them. */
const AUDIO = /\.(wav|wave|aif|aiff|aifc|flac|mp3|mp2|m4a|m4b|mp4|aac|ogg|oga|opus|webm|mka|mkv|caf|alac|w64|rf64|bwf)$/i;
/** A folder with more than this is a mistake, or better sent by the command. */
export const MOST_FILES = 2_000;

export interface Found {
  readonly files: readonly File[];
  /** Files in folders that are no audio. */
  readonly leftOut: number;
  /** Whether there were more than are taken at once. */
  readonly tooMany: boolean;
}

/** Files of a drop or a paste. The entries must be asked for before the event is over, so this is to be called within it. */
export async function filesOf(data: DataTransfer): Promise<Found> {
  const entries: FileSystemEntry[] = [];
  const plain: File[] = [];
  for (const item of data.items) {
    if (item.kind !== "file") continue;
    const entry = item.webkitGetAsEntry?.();
    const file = entry?.isDirectory ? null : item.getAsFile();
    if (file) plain.push(file);
    else if (entry) entries.push(entry);
  }
  const walk = new Walk(plain);
  for (const entry of entries) await walk.into(entry);
  return walk.found;
}

class Walk {
  #leftOut = 0;
  #tooMany = false;

  constructor(readonly files: File[]) {}

  get found(): Found {
    return { files: this.files.slice(0, MOST_FILES), leftOut: this.#leftOut, tooMany: this.#tooMany || this.files.length > MOST_FILES };
  }

  async into(entry: FileSystemEntry): Promise<void> {
    if (this.files.length >= MOST_FILES) this.#tooMany = true;
    if (this.#tooMany || entry.name.startsWith(".")) return;
    if (entry.isDirectory) {
      for (const inner of await contents(entry as FileSystemDirectoryEntry)) await this.into(inner);
    } else if (AUDIO.test(entry.name)) {
      const file = await fileOf(entry as FileSystemFileEntry);
      if (file) this.files.push(file);
    } else {
      this.#leftOut += 1;
    }
  }
}

/** Browsers give a folder's contents a hundred at a time, and nothing at the end. What cannot be read counts as empty. */
async function contents(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (some.length === 0) return all.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
    all.push(...some);
  }
}

const fileOf = (entry: FileSystemFileEntry): Promise<File | null> => new Promise((resolve) => entry.file(resolve, () => resolve(null)));

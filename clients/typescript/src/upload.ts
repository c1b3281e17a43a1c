/** Uploads: a file and what is said about it, as a form, with a word on how far it is. */

import { ApiError } from "./errors.js";
import { idempotencyKey } from "./transport.js";
import type { RequestOptions, Transport } from "./transport.js";

/** What is said about a file. */
export interface UploadOptions {
  readonly name?: string;
  readonly description?: string;
  readonly artist?: string;
  readonly album?: string;
  readonly genre?: string;
  readonly tags?: readonly string[];
  readonly analysisType?: "full" | "spectral" | "rhythm" | "tonal" | "structure";
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** What the file is called, where it does not say so itself. */
  readonly fileName?: string;
  /** A retry with the same key makes no second track. Default: a new one. */
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
  /** Called as bytes leave: how many of how many. */
  readonly onProgress?: (sentBytes: number, totalBytes: number) => void;
}

/** Sends a form with a file; gives the server's answer. */
export async function upload(transport: Transport, path: string, file: Blob, options: UploadOptions): Promise<Response> {
  const key = options.idempotencyKey ?? idempotencyKey();
  const headers = { "idempotency-key": key };
  const { onProgress, signal } = options;
  // Browsers tell of an upload's progress through XMLHttpRequest alone: a fetch's body cannot stream over HTTP/1.1 there.
  if (onProgress && typeof XMLHttpRequest !== "undefined") {
    return uploadByXhr(transport, path, formOf(file, options), headers, onProgress, signal);
  }
  const body: RequestOptions["body"] = () =>
    onProgress ? counted(formOf(file, options), file.size, onProgress) : { body: formOf(file, options) };
  return transport.send(path, { method: "POST", headers, body, signal });
}

function formOf(file: Blob, options: UploadOptions): FormData {
  const form = new FormData();
  const { name, description, artist, album, genre, tags, analysisType, parameters } = options;
  const said = { name, description, artist, album, genre, analysis_type: analysisType };
  for (const [field, value] of Object.entries(said)) if (value !== undefined) form.append(field, value);
  for (const tag of tags ?? []) form.append("tags", tag);
  if (parameters) form.append("parameters", JSON.stringify(parameters));
  const fileName = options.fileName ?? (file as Partial<File>).name ?? "audio";
  form.append("file", file, fileName);
  return form;
}

/** A form as a stream that counts what is taken from it. */
function counted(form: FormData, size: number, onProgress: (sent: number, total: number) => void): {
  body: ReadableStream;
  headers: Record<string, string>;
  duplex: "half";
} {
  const encoded = new Response(form);
  let sent = 0;
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(piece, controller) {
      sent += piece.byteLength;
      controller.enqueue(piece);
      // What frames the file in the form is not counted.
      onProgress(Math.min(sent, size), size);
    },
  });
  const type = encoded.headers.get("content-type") ?? "";
  return { body: encoded.body!.pipeThrough(counter), headers: { "content-type": type }, duplex: "half" };
}

async function uploadByXhr(
  transport: Transport,
  path: string,
  form: FormData,
  headers: Record<string, string>,
  onProgress: (sent: number, total: number) => void,
  signal?: AbortSignal,
): Promise<Response> {
  const all: Record<string, string> = { accept: "application/json", ...headers, ...(await transport.authorization()) };
  signal?.throwIfAborted();
  const response = await new Promise<Response>((resolve, reject) => {
    const request = new XMLHttpRequest();
    const stop = (): void => request.abort();
    request.open("POST", transport.url(path));
    for (const [name, value] of Object.entries(all)) request.setRequestHeader(name, value);
    request.withCredentials = !all["authorization"];
    request.upload.onprogress = (event) => onProgress(event.loaded, event.total);
    request.onload = () => resolve(responseOf(request));
    request.onerror = () => reject(new TypeError("the upload failed: no connection, or not allowed from this origin"));
    request.onabort = () => reject(signal?.reason ?? new DOMException("The upload was stopped", "AbortError"));
    request.onloadend = () => signal?.removeEventListener("abort", stop);
    signal?.addEventListener("abort", stop, { once: true });
    request.send(form);
  });
  if (response.status >= 400) throw await ApiError.of(response);
  return response;
}

function responseOf(request: XMLHttpRequest): Response {
  const headers = new Headers();
  for (const line of request.getAllResponseHeaders().split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return new Response(request.responseText, { status: request.status, headers });
}

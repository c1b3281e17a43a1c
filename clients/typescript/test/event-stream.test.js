import assert from "node:assert/strict";
import { test } from "node:test";
import { EventStreamParser } from "../dist/index.js";

/** Events of a text that comes in pieces of at most `size` characters. */
const parse = (text, size = text.length) => {
  const parser = new EventStreamParser();
  const events = [];
  for (let at = 0; at < text.length; at += size) events.push(...parser.push(text.slice(at, at + size)));
  return { events, parser };
};

const STREAMS = [
  ["data: one\n\ndata: two\n\n", ["one", "two"]],
  ["data: a\ndata: b\n\n", ["a\nb"]],
  ["\uFEFFdata: after a byte order mark\n\n", ["after a byte order mark"]],
  ["data:no space\r\n\r\ndata:  two spaces\r\r", ["no space", " two spaces"]],
  ["data: a\r\ndata: b\r\n\r\n", ["a\nb"]],
  [": a comment\ndata: x\nunknown: y\n\n", ["x"]],
  ["data\n\ndata\ndata\n\n", ["", "\n"]],
  ["event: named\n\ndata: z\n\n", ["z"]],
  ["data: cut off\n", []],
];

test("events are the same however the text is cut", () => {
  for (const [text, expected] of STREAMS) {
    for (let size = 1; size <= text.length; size += 1) {
      assert.deepEqual(parse(text, size).events.map((event) => event.data), expected, JSON.stringify([text, size]));
    }
  }
});

test("an event without data has no name to leave to the next one", () => {
  assert.deepEqual(parse("event: lost\n\ndata: x\n\n").events, [{ event: "message", data: "x", id: "" }]);
});

test("ids last until the next one, and a NUL makes none", () => {
  const { events, parser } = parse("id: 1\ndata: a\n\ndata: b\n\nid: x\0y\ndata: c\n\nid\ndata: d\n\nid: 9\n");
  assert.deepEqual(events.map((event) => event.id), ["1", "1", "1", ""]);
  assert.equal(parser.lastEventId, "", "an id counts when its event is complete");
});

test("only digits say when to come back", () => {
  assert.equal(parse("retry: 1500\n").parser.retryMs, 1500);
  assert.equal(parse("retry: 1e3\nretry: -1\nretry:\n").parser.retryMs, undefined);
});

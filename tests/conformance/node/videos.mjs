// What openai-node makes of a server's videos: one JSON line per check, {"check", "ok", …}.
//
//   cd tests/conformance/node && npm ci
//   node videos.mjs                                      # asks what `make run` serves
//   BASE_URL=http://127.0.0.1:7055/v1 API_KEY=… MODEL=gemini/veo3.1 node videos.mjs
//   PICTURE=frame.png node videos.mjs                    # also begins a video with that frame
//
// It makes two or three short videos, which the real service charges for. The exit status is 1
// when a check failed.

import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import OpenAI, { BadRequestError, NotFoundError, toFile } from "openai";

const baseURL = process.env.BASE_URL ?? "http://127.0.0.1:7055/v1";
const apiKey = process.env.API_KEY ?? "none";
const model = process.env.MODEL ?? "gemini/veo3.1";
const picture = process.env.PICTURE;
const patience = Number(process.env.PATIENCE_S ?? 900);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
let first;

function want(condition, otherwise) {
  if (!condition) throw new Error(otherwise);
}

async function raised(kind, ask) {
  try {
    await ask();
  } catch (error) {
    want(error instanceof kind, `${error.constructor.name} instead of ${kind.name}`);
    return error;
  }
  throw new Error(`no ${kind.name}`);
}

// This SDK has no helper for it.
async function ended(id) {
  const deadline = Date.now() + 1000 * patience;
  while (Date.now() < deadline) {
    const { data, response } = await client.videos.retrieve(id).withResponse();
    want(Number.isInteger(data.progress), `progress ${data.progress}`);
    if (data.status !== "queued" && data.status !== "in_progress") return data;
    const pause = Number(response.headers.get("openai-poll-after-ms"));
    want(pause > 0, "no word on when to ask again");
    await sleep(Math.min(pause, Number(process.env.LONGEST_PAUSE_MS ?? pause)));
  }
  throw new Error(`${id} did not end in ${patience} s`);
}

const checks = {
  async create() {
    const made = await client.videos.create({ model, prompt: "a cat", seconds: "8" });
    want(made.object === "video" && made.seconds === "8", JSON.stringify(made));
    want(made.model === model, `model ${made.model}`);
    first = await ended(made.id);
    want(first.status === "completed" && first.error === null, JSON.stringify(first));
    return { id: first.id, progress: first.progress };
  },

  async download() {
    const whole = await client.videos.downloadContent(first.id);
    want(whole.headers.get("content-type") === "video/mp4", "not an MP4 by its type");
    const bytes = Buffer.from(await whole.arrayBuffer());
    want(bytes.subarray(4, 8).toString() === "ftyp", "not an MP4 by its bytes");
    const part = await client.videos.downloadContent(first.id, {}, { headers: { Range: "bytes=4-7" } });
    want(part.status === 206, `status ${part.status} for a range`);
    want(Buffer.from(await part.arrayBuffer()).toString() === "ftyp", "another range");
    const still = await client.videos.downloadContent(first.id, { variant: "thumbnail" });
    want(still.headers.get("content-type").startsWith("image/"), "no still image");
    return { bytes: bytes.length };
  },

  async frame() {
    if (!picture) return { skipped: "no PICTURE" };
    const input_reference = await toFile(await readFile(picture), "frame.png");
    const made = await client.videos.create({ model, prompt: "let it move", input_reference });
    want((await ended(made.id)).status === "completed", "not completed");
    return { id: made.id };
  },

  async list() {
    const ids = [];
    for await (const video of client.videos.list({ limit: 1 })) {
      ids.push(video.id);
      if (video.id === first.id) break;
    }
    want(ids.includes(first.id), "the first video is not listed");
    want(new Set(ids).size === ids.length, "a video is listed twice");
    return { listed: ids.length };
  },

  async mistakes() {
    const blank = await raised(BadRequestError, () => client.videos.create({ model, prompt: "" }));
    want(blank.param === "prompt" && blank.requestID, `param ${blank.param}`);
    const odd = await raised(BadRequestError, () =>
      client.videos.create({ model, prompt: "a cat", seconds: "3600" }),
    );
    want(odd.param === "seconds", `param ${odd.param}`);
    const missing = await raised(NotFoundError, () => client.videos.retrieve("video_none"));
    want(missing.code === "not_found", `code ${missing.code}`);
    return { message: odd.message };
  },

  async remix() {
    try {
      const made = await client.videos.remix(first.id, { prompt: "at night" });
      want(made.remixed_from_video_id === first.id, JSON.stringify(made));
      return { id: made.id };
    } catch (error) {
      want(error instanceof BadRequestError, `${error.constructor.name}: ${error.message}`);
      return { refused: error.message };
    }
  },

  async remove() {
    const gone = await client.videos.delete(first.id);
    want(gone.deleted === true && gone.object === "video.deleted", JSON.stringify(gone));
    await raised(NotFoundError, () => client.videos.retrieve(first.id));
    return { id: gone.id };
  },
};

for (const [check, run] of Object.entries(checks)) {
  try {
    console.log(JSON.stringify({ check, ok: true, ...(await run()) }));
  } catch (error) {
    process.exitCode = 1;
    console.log(JSON.stringify({ check, ok: false, error: String(error) }));
  }
}

// What openai-node makes of a server's images: one JSON line per check, {"check", "ok", …}.
//
//   cd tests/conformance/node && npm ci
//   PICTURE=any.png node images.mjs                      # asks what `make run` serves
//   BASE_URL=http://127.0.0.1:7055/v1 API_KEY=… MODEL=gpt-image-2 PICTURE=any.png node images.mjs
//
// It makes a handful of images, which the real service charges for. The exit status is 1 when a
// check failed.

import { readFile } from "node:fs/promises";
import OpenAI, { BadRequestError, NotFoundError, toFile } from "openai";

const baseURL = process.env.BASE_URL ?? "http://127.0.0.1:7055/v1";
const apiKey = process.env.API_KEY ?? "none";
const model = process.env.MODEL ?? "gpt-image-2";
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });

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

// The signatures of PNG, JPEG and WebP.
function isImage(bytes) {
  return ["89504e47", "ffd8ff", "52494646"].some((sign) => bytes.toString("hex").startsWith(sign));
}

// The SDK gives a file without a name of a known type the label application/octet-stream.
async function picture() {
  return toFile(await readFile(process.env.PICTURE), "picture");
}

const checks = {
  async base64() {
    const made = await client.images.generate({ model, prompt: "a cat", response_format: "b64_json" });
    want(Number.isInteger(made.created) && made.data.length === 1, JSON.stringify(made));
    const bytes = Buffer.from(made.data[0].b64_json, "base64");
    want(bytes.toString("base64") === made.data[0].b64_json, "not plain base64");
    want(isImage(bytes), "not an image");
    return { bytes: bytes.length };
  },

  async url() {
    const made = await client.images.generate({
      model,
      prompt: "a cat",
      n: 2,
      size: "1792x1024",
      response_format: "url",
    });
    const urls = made.data.map((item) => item.url);
    want(new Set(urls).size === 2, JSON.stringify(made));
    for (const url of urls) {
      const found = await fetch(url);
      want(found.headers.get("content-type").startsWith("image/"), "not an image by its type");
      want(isImage(Buffer.from(await found.arrayBuffer())), "not an image by its bytes");
    }
    return { urls };
  },

  async edit() {
    const made = await client.images.edit({ model, prompt: "make it blue", image: await picture() });
    want(made.data[0].b64_json || made.data[0].url, JSON.stringify(made));
    return {};
  },

  async several() {
    const image = [await picture(), await picture()];
    const made = await client.images.edit({ model, prompt: "join them", image });
    want(made.data.length === 1, JSON.stringify(made));
    return {};
  },

  async mistakes() {
    const blank = await raised(BadRequestError, () => client.images.generate({ model, prompt: " " }));
    want(blank.param === "prompt" && blank.requestID, `param ${blank.param}`);
    const streamed = await raised(BadRequestError, () =>
      client.images.generate({ model, prompt: "a cat", stream: true }),
    );
    want(streamed.code === "unsupported_value", `code ${streamed.code}`);
    await raised(NotFoundError, () => client.images.generate({ model: "none", prompt: "a cat" }));
    return { message: blank.message };
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

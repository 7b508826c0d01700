// What the Vercel AI SDK makes of a server's Anthropic dialect: one JSON line per check.
//
//   cd tests/conformance/node && npm ci
//   node vercel_messages.mjs                             # asks what `make run` serves
//   BASE_URL=http://127.0.0.1:7055/v1 API_KEY=… MODEL=claude-sonnet-4-6 node vercel_messages.mjs
//
// It asks a handful of short questions. Nothing is tried twice.

import { createAnthropic } from "@ai-sdk/anthropic";
import { generateText, stepCountIs, streamText, tool } from "ai";
import { BOTH, City, HELLO, SNOW, WEATHER, Zone, apiKey, baseURL, run, want } from "./checks.mjs";

const model = process.env.MODEL ?? "claude-sonnet-4-6";
const usual = { model: createAnthropic({ baseURL, apiKey })(model), maxRetries: 0 };
const tools = {
  get_weather: tool({ inputSchema: City, execute: async () => SNOW }),
  get_time: tool({ inputSchema: Zone, execute: async () => "noon" }),
};
const looping = { ...usual, tools, stopWhen: stepCountIs(4) };

function looped({ steps, text }, names) {
  const calls = steps.flatMap((step) => step.toolCalls);
  want(calls.every((call) => !call.invalid), calls);
  want(calls.map((call) => call.toolName).sort().join() === names, calls);
  want(steps.map((step) => step.finishReason).join() === "tool-calls,stop", steps.length);
  want(/4|noon/.test(text), text);
  return { text };
}

await run({
  async whole() {
    const { text, finishReason, usage } = await generateText({ ...usual, prompt: HELLO });
    want(text && finishReason === "stop", finishReason);
    want(usage.outputTokens > 0, usage);
    return { text };
  },

  async streamed() {
    const answer = streamText({ ...usual, system: "Be brief.", prompt: HELLO, onError() {} });
    const pieces = [];
    for await (const piece of answer.textStream) pieces.push(piece);
    want(pieces.length > 2, `${pieces.length} pieces`);
    want((await answer.finishReason) === "stop", await answer.finishReason);
    want((await answer.usage).outputTokens > 0, await answer.usage);
    return { text: pieces.join("") };
  },

  async tool_loop() {
    return looped(await generateText({ ...looping, prompt: WEATHER }), "get_weather");
  },

  async streamed_tool_loop() {
    const answer = streamText({ ...looping, prompt: BOTH, onError() {} });
    await answer.consumeStream();
    const [steps, text] = [await answer.steps, await answer.text];
    return looped({ steps, text }, "get_time,get_weather");
  },
});
